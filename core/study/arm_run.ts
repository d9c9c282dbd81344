/** What the stages of one arm with one seed share: options, events, and the weights that a stage starts from. */
import { join } from "node:path";
import type { StudyConfig } from "../config/mod.ts";
import type { Corpus } from "../data/corpus.ts";
import type { Disk, MetricsLog } from "../disk/mod.ts";
import { requireOwnWeights } from "../params/own_weights.ts";
import { decodeSafetensors } from "../params/safetensors.ts";
import type { ParameterStore } from "../params/store.ts";
import type { Executor, Memory } from "../plan/mod.ts";
import { type StageName, weightsFile } from "../record/mod.ts";
import { putArena } from "../train/snapshot.ts";
import type { StageEvent } from "../train/stage.ts";
import type { GivenTokenizer } from "./fitted.ts";
import type { Cell } from "./cells.ts";
import type { Environment, Preparation } from "./preparation.ts";

/** An event of a study, for progress displays. */
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
  /** Run only these cells, in a folder of their own. `merge` does the measurements at the end of the study. */
  readonly cells?: readonly Cell[];
  /** Cells of other run folders whose trainings start from a checkpoint of one of `cells`. These checkpoints are kept. */
  readonly branchCells?: readonly Cell[];
  /** The run folder with the trunk of `cells`, if it is another folder. */
  readonly trunkFolder?: string;
  /** Rounds of the speed measurement at the end. Without it, speeds are not measured. */
  readonly speedRounds?: number;
  /** Also evaluate every model on the test part, once, after all training. A sweep never does. */
  readonly test?: boolean;
  /** Also run the recall probe of each arm. */
  readonly probe?: boolean;
  /** When it aborts, the study saves at the next step, batch of an evaluation or sampled token, and throws Interrupted. */
  readonly signal?: AbortSignal;
  onEvent?(event: StudyEvent): void;
}

/** What all arms of a study share. */
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

export function reportEvent({ arm, seed, onEvent }: ArmRun, kind: StudyEvent["kind"], more: Partial<StudyEvent>): void {
  onEvent?.({ step: 0, steps: 0, ...more, kind, arm, seed });
}

/** Writes the start weights of a stage to the executor: random ones from the seed, or the result of the first stage. */
export async function startWeights(
  { executor, disk, folder, store, arm, seed, tokenizer }: ArmRun,
  stage: StageName,
): Promise<void> {
  if (stage === "pretraining") return store.initialise(executor, seed);
  const path = join(folder, weightsFile("pretraining"));
  const { tensors, metadata } = decodeSafetensors(await disk.read(path), { name: path });
  requireOwnWeights(path, { metadata, wanted: { arm, stage: "pretraining", tokenizer: tokenizer.hash } });
  putArena(executor, store, { tensors, arena: "parameters", name: path });
}
