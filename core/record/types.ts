/** A run as a value: what its files hold together. */
import type { ArmResult, RecallResult } from "./read_arm.ts";
import type { AttentionMapHeader, MetricsLine, RunRecord } from "./read_run.ts";
import type { StageName } from "./rules.ts";
import type { Speeds } from "./speeds.ts";
import type { TestPart } from "./test_part.ts";
import type { TokenLosses } from "./token_losses.ts";

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

/** A finished or running study, read from its folder: all that artifacts are made from. */
export interface Run {
  readonly record: RunRecord;
  readonly results: readonly ArmResult[];
  readonly metrics: readonly MetricsLine[];
  /** Of the arms and stages whose losses were kept; intervals of differences need them. */
  readonly tokenLosses: readonly TokenLosses[];
  /** What was read of the test part; undefined where the study has none or none of it was read. */
  readonly test?: TestPart;
  /** What the arms recall, where they were probed. */
  readonly recall: readonly RecallResult[];
  /** How fast the arms train and generate; undefined where that was not measured. */
  readonly speeds?: Speeds;
  /** Maps of the arm that the study is about (see mainArm), first seed, where it was trained. */
  readonly attention: Readonly<Partial<Record<StageName, readonly AttentionMap[]>>>;
}
