/** What the stages of one arm with one seed share: options, events, and the weights that a stage starts from. */
import { join } from "node:path";
import type { StudyConfig } from "../config/mod.ts";
import type { Corpus } from "../data/corpus.ts";
import type { Disk, MetricsLog } from "../disk/mod.ts";
import { decodeSafetensors } from "../params/safetensors.ts";
import type { ParameterStore } from "../params/store.ts";
import type { Executor, Memory } from "../plan/mod.ts";
import { type StageName, weightsFile } from "../record/mod.ts";
import { putArena } from "../train/snapshot.ts";
import type { StageEvent } from "../train/stage.ts";
import type { GivenTokenizer } from "./fitted.ts";
import type { Cell } from "./cells.ts";
import type { Environment, Preparation } from "./preparation.ts";

/** What happens in a study, for progress displays. */
export interface StudyEvent extends Omit<StageEvent, "kind"> {
  readonly kind: StageEvent["kind"] | "stage" | "sampling" | "memory" | "arm" | "failed" | "text" | "test" | "speeds";
  readonly arm: string;
  readonly seed: number;
  readonly stage?: StageName | "recall";
  readonly memory?: Memory;
  readonly message?: string;
}

export interface StudyOptions {
  readonly executor: Executor;
  readonly corpus: Corpus;
  readonly disk: Disk;
  readonly folder: string;
  readonly environment: Environment;
  /** A tokenizer that is not trained on the text; bytes need none. */
  readonly givenTokenizer?: GivenTokenizer;
  /** Stop after this stage. Only for studies of one arm and seed: the metrics log is written in the order of a whole study. */
  readonly lastStage?: StageName;
  /** Only these cells; the folder is then one of its own. What is measured at the end of a study is left to `merge`. */
  readonly cells?: readonly Cell[];
  /** Cells in run folders of their own whose trainings branch off one of `cells`: it keeps the checkpoints that they start from. */
  readonly branchCells?: readonly Cell[];
  /** The run folder of the trunk of `cells`, where that is another one. */
  readonly trunkFolder?: string;
  /** Rounds in which the speed of each arm is measured at the end; none without it. */
  readonly speedRounds?: number;
  /** Also evaluate every model on the test part, once, when all training is done. A sweep never does. */
  readonly test?: boolean;
  /** Also probe what each arm recalls. */
  readonly probe?: boolean;
  /** When it aborts, the study saves at the next step, batch of an evaluation or sampled token, and throws Interrupted. */
  readonly signal?: AbortSignal;
  onEvent?(event: StudyEvent): void;
}

/** What every arm of a study is given. */
export interface ArmContext extends StudyOptions, Preparation {
  readonly log: MetricsLog;
  readonly study: StudyConfig;
}

/** One arm with one seed. */
export interface ArmRun extends ArmContext {
  readonly arm: string;
  readonly seed: number;
  /** The arm's folder. */
  readonly folder: string;
  readonly store: ParameterStore;
}

export function tell({ arm, seed, onEvent }: ArmRun, kind: StudyEvent["kind"], more: Partial<StudyEvent>): void {
  onEvent?.({ step: 0, steps: 0, ...more, kind, arm, seed });
}

/** Writes the start weights of a stage to the executor: random ones by the seed, or the result of the first stage. */
export async function startWeights({ executor, disk, folder, store, seed }: ArmRun, stage: StageName): Promise<void> {
  if (stage === "pretraining") return store.initialise(executor, seed);
  const path = join(folder, weightsFile("pretraining"));
  const { tensors } = decodeSafetensors(await disk.read(path), { name: path });
  putArena(executor, store, { tensors, arena: "parameters", name: path });
}
