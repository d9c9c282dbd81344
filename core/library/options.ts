/** The types of the options of the library. This file has no code. */
import type { BackendOptions } from "../backend/mod.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";

/** Token ids, [B][T]: B sequences, of one length for `forward`, of any lengths of at least 1 for `generate`. */
export type TokenIds = readonly (readonly number[] | Uint32Array)[];

/** The backend and the start values of a new model. */
export interface HymbaCreateOptions extends BackendOptions {
  /** Seed of the start values, a whole number from 0. Default 1. */
  seed?: number;
  /** Used for text in place of token ids. It has at most as many ids as the model's vocabulary. */
  tokenizer?: Tokenizer;
}

/** Which trained model of a run to load, and the backend. */
export interface HymbaLoadOptions extends BackendOptions {
  /** Name of the model, such as `hymba`. Default: the study's main model, or its first. */
  model?: string;
  /** Seed of its training. Default: the run's first. */
  trainingSeed?: number;
  /** `pretraining`, `orpo` or `control`. Default: the last of the first two that was trained. */
  stage?: string;
}

/** How to draw tokens. */
export interface GenerateOptions {
  /** Tokens to add to each sequence, from 1. Default 100. */
  maxNewTokens?: number;
  /** Logits are divided by it; 0 takes the likeliest token. Default 1. */
  temperature?: number;
  /** Draw from the k likeliest tokens only; 0 means all. Default 0. */
  topK?: number;
  /** Draw from the fewest likeliest tokens that together have this probability, above 0; 1 means all. Default 1. */
  topP?: number;
  /** Draw from tokens of at least this share of the highest probability; 0 means all. Default 0. */
  minP?: number;
  /** More than 1 makes tokens less likely that the text has already. Default 1, which does nothing. */
  repetitionPenalty?: number;
  /**
   * Seed of the random numbers, a whole number from 0. Default 1. A prompt gets the same tokens alone and at any place of any list.
   * Equal prompts in one list get different tokens.
   */
  seed?: number;
  /**
   * How often equal prompts were continued before with this seed, a whole number from 0, which is the default. With another number a prompt
   * gets other tokens: the copy after two equal prompts in a list gets the tokens of `repeat: 2`.
   */
  repeat?: number;
  /** Stops the generation between two tokens; it then throws. */
  signal?: AbortSignal;
}

/** How to continue a text. */
export interface GenerateTextOptions extends GenerateOptions {
  /** The text ends before the first of these strings. */
  stop?: string | readonly string[];
}

/** How to measure a text. */
export interface EvaluateOptions {
  /** T: tokens of a window. No prediction sees tokens of the window before. Default 128. */
  length?: number;
  /** B: windows that are computed at once. Default 8. */
  batch?: number;
  /** Stops between two batches; the measurement then throws. */
  signal?: AbortSignal;
}

/** How well a model predicts a text. */
export interface Evaluation {
  /** Mean negative log-likelihood, nats per token. */
  readonly loss: number;
  /** exp(loss). */
  readonly perplexity: number;
  /** Loss in bits per byte of UTF-8; NaN for token ids of a model without a tokenizer. */
  readonly bitsPerByte: number;
  /** Tokens that were predicted: all but the first. */
  readonly tokens: number;
}

/** The backend. */
export interface Device {
  /** The executor. */
  readonly backend: "webgpu" | "cpu";
  /** The adapter of WebGPU, or `WebAssembly`. */
  readonly name: string;
  /** Whether a real GPU computes, not a software driver and not the processor. */
  readonly hardware: boolean;
}
