/** The JSON files that the server sends to the page of a run. A static copy of the page has the same files. */
import type { HymbaOptions } from "../config/mod.ts";
import type { StageName } from "../record/mod.ts";
import type { ChartData } from "../report/interactive/chart_data.ts";
import type { Look } from "../report/palette.ts";

/** study.json: facts that do not change during a study. */
export interface StudyView {
  /** Corpus, preset, seeds, machine and date in one line. */
  readonly title: string;
  readonly warning?: string;
  /** Whether the study may still grow: the page then asks for its progress again and again. */
  readonly live: boolean;
  readonly arms: readonly ArmView[];
  /** The model that is chosen first. */
  readonly mainArm: string;
  readonly sequenceLength: number;
  readonly tokenizer: { readonly file: string; readonly sha256: string };
  /** Tiles of matrix products that the run recorded; they are part of its bits. */
  readonly tiles: Readonly<Record<string, string>>;
}

export interface ArmView {
  readonly name: string;
  readonly look: Look;
  readonly config: Partial<HymbaOptions>;
}

/** progress.json: the progress of the study. */
export interface ProgressView {
  /** Every cell has its result, or failed. */
  readonly finished: boolean;
  /** Share of the text tokens of all training that are done, 0 to 1. A failed model counts as done. */
  readonly share: number;
  /** Remaining seconds of training at the speeds so far; absent if no speed is known. */
  readonly left_s?: number;
  readonly cells: readonly CellView[];
  readonly charts: readonly ChartData[];
  readonly samples: readonly SampleView[];
  readonly models: readonly ModelView[];
}

/** The newest that is known of an arm with one seed. */
export interface CellView {
  readonly arm: string;
  readonly seed: number;
  readonly state: "waiting" | "training" | "done" | "failed";
  /** The stage that is trained, or was trained last. */
  readonly stage?: StageName;
  readonly step: number;
  readonly steps: number;
  /** Nats per token of the last training batch and of the last evaluation. */
  readonly loss?: number;
  readonly validation?: number;
  readonly tokens_per_s?: number;
  /** Why it failed. */
  readonly message?: string;
}

export interface SampleView {
  readonly arm: string;
  readonly seed: number;
  readonly stage: StageName;
  readonly prompt: string;
  readonly text: string;
}

/** Weights of a trained model. */
export interface ModelView {
  readonly arm: string;
  readonly seed: number;
  readonly stage: StageName;
  readonly file: string;
  readonly bytes: number;
}
