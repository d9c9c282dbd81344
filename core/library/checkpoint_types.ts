/** The types of checkpoints. This file has no code. */
import type { HymbaConfig } from "../config/mod.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";

/** A parameter. */
export interface Weight {
  /** Sizes, row-major. */
  readonly shape: readonly number[];
  /** The numbers, row by row. */
  readonly data: Float32Array;
}

/** The result of {@link loadCheckpoint}. */
export interface Checkpoint {
  /** The folder of this checkpoint. */
  readonly path: string;
  /** Updates before it; 0 for a model that was not trained by this library's Trainer. */
  readonly step: number;
  /** The value that it was saved with; the best checkpoint has the lowest. */
  readonly score: number | undefined;
  /** The configuration of the model. */
  readonly config: HymbaConfig;
  /** The tokenizer that was saved with the model. */
  readonly tokenizer: Tokenizer | undefined;
  /** Every parameter by name. */
  readonly weights: Readonly<Record<string, Weight>>;
}
