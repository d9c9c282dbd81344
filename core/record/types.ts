/** A run as a value: what its files hold together. */
import type { ArmResult, RecallResult } from "./read_arm.ts";
import type { AttentionMapHeader, MetricsLine, RunRecord } from "./read_run.ts";
import type { StageName } from "./rules.ts";
import type { Speeds } from "./speeds.ts";

/** Mean negative log-likelihood per token and what follows from it. */
export interface Quality {
  /** Nats per token. */
  readonly loss: number;
  readonly perplexity: number;
  /** loss · tokens / (bytes · ln 2), with the bytes of the original text. */
  readonly bitsPerByte: number;
}

/** One layer's attention probabilities, averaged over heads: [positions, positions], meta tokens first. */
export interface AttentionMap extends AttentionMapHeader {
  readonly probabilities: Float32Array;
  /** Codes of each head, [heads, positions (positions + 1) / 2]: see attentionCodes. Older runs have none. */
  readonly heads?: Uint8Array;
}

/** The validation tokens after a stage, one by one. */
export interface TokenLosses {
  readonly arm: string;
  readonly seed: number;
  readonly stage: StageName;
  /** Nats of every predicted token, in the order of the text: the same tokens for all arms. */
  readonly nats: Float32Array;
}

/** A finished or running study, read from its folder: all that artifacts are made from. */
export interface Run {
  readonly record: RunRecord;
  readonly results: readonly ArmResult[];
  readonly metrics: readonly MetricsLine[];
  /** Of the arms and stages whose losses were kept; intervals of differences need them. */
  readonly tokenLosses: readonly TokenLosses[];
  /** What the arms recall, where they were probed. */
  readonly recall: readonly RecallResult[];
  /** How fast the arms train and generate; undefined where that was not measured. */
  readonly speeds?: Speeds;
  /** Maps of the arm that the study is about (see mainArm), first seed, where it was trained. */
  readonly attention: Readonly<Partial<Record<StageName, readonly AttentionMap[]>>>;
}
