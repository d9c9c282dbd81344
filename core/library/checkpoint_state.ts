/** The internal state of a loaded checkpoint, which a trainer needs. */
import type { TrainerState } from "../train/trainer.ts";

export const stateOfCheckpoint: WeakMap<object, TrainerState> = new WeakMap();
