/** The types of the Trainer's options and results. This file has no code. */
import type { Precision, ScheduleName } from "../config/mod.ts";

/**
 * Token ids of a preference pair: a prompt with a better and a worse continuation. All pairs of a training have the same
 * lengths.
 */
export interface PreferencePair {
  /** Ids before both. */
  readonly prompt: ArrayLike<number>;
  /** The better continuation. */
  readonly chosen: ArrayLike<number>;
  /** The worse continuation, as long as the better one. */
  readonly rejected: ArrayLike<number>;
}

/** What to train on and how. One of `text`, `tokens` and `pairs` is given. */
export interface TrainerOptions {
  /** A text, for a model with a tokenizer. */
  text?: string;
  /** Token ids of a text, of more than `length` + 1. */
  tokens?: ArrayLike<number>;
  /** Preference pairs, for ORPO in place of next-token training. */
  pairs?: readonly PreferencePair[];
  /** Weight of the preference term of ORPO. Default 0.1. */
  beta?: number;
  /** Updates. Default 100. */
  steps?: number;
  /** B: sequences of an update, or pairs. Default 8. */
  batch?: number;
  /** T: tokens of a sequence. Default 128. Not for pairs. */
  length?: number;
  /** Parts of a batch whose gradients are summed before an update; divides `batch`. Default 1. */
  accumulate?: number;
  /** The largest learning rate. Default 0.25 / D, a tenth of it for pairs. */
  rate?: number;
  /** Updates until the rate is at its largest. Default: a tenth of the steps, at most 100. */
  warmup?: number;
  /** How the rate falls after the warm-up: `cosine` (default) to zero, `wsd` in the last fifth of the steps, or `constant`. */
  schedule?: ScheduleName;
  /** Weight decay of AdamW, on matrices. Default 0.1. */
  decay?: number;
  /** Seed of the order of the data, a whole number from 0. Default 1. */
  seed?: number;
  /** Compute layers again in the backward pass: less memory, more time, same bits. Default false. */
  remat?: boolean;
  /** How activations are kept until the backward pass. Default `f32`. */
  precision?: Precision;
}

/** The result of one update. */
export interface TrainingStep {
  /** The first update is step 1. */
  readonly step: number;
  /** Of the batch, before the update: nats per token; for pairs with the preference term. */
  readonly loss: number;
  /** Of the gradient, before clipping. Absent for an update that f16 left out. */
  readonly gradientNorm?: number;
  /** Learning rate. */
  readonly rate: number;
  /** Text tokens per second. */
  readonly tokensPerSecond: number;
  /** For pairs: the share whose chosen continuation is more likely per token. */
  readonly accuracy?: number;
}

/** How to run. */
export interface RunOptions {
  /** Stops after the running update; the loop then throws. A later run continues. */
  signal?: AbortSignal;
  /**
   * Updates that may be queued at a time. With 1, the default, the model has the weights of the step that the loop is at. With more, a
   * GPU waits less, and the weights may be those of a later step; they are those of the step at its multiples and at the end.
   */
  queue?: number;
}
