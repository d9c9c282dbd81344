/** What a trainer needs of a checkpoint that was read, besides what the checkpoint shows. */
import type { TrainerState } from "../train/trainer.ts";

export const stateOfCheckpoint: WeakMap<object, TrainerState> = new WeakMap();
