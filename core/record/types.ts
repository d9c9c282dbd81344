/** A run as a value: the content of all its files. */
import type { ArmResult, RecallResult } from "./read_arm.ts";
import type { AttentionMapHeader, MetricsLine, RunRecord } from "./read_run.ts";
import type { StageName } from "./rules.ts";
import type { Speeds } from "./speeds.ts";
import type { TestPart } from "./test_part.ts";
import type { TokenLosses } from "./token_losses.ts";

/** Mean negative log-likelihood per token and quantities computed from it. */
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

/** A finished or running study, read from its folder. All artifacts are made from it. */
export interface Run {
  readonly record: RunRecord;
  readonly results: readonly ArmResult[];
  readonly metrics: readonly MetricsLine[];
  /** Of the arms and stages whose losses were stored. Intervals of differences need them. */
  readonly tokenLosses: readonly TokenLosses[];
  /** Results on the test part; undefined if there are none. */
  readonly test?: TestPart;
  /** Results of the recall probe. */
  readonly recall: readonly RecallResult[];
  /** Speeds of the arms; undefined if they were not measured. */
  readonly speeds?: Speeds;
  /** Maps of the study's main arm (see mainArm), first seed, if it was trained. */
  readonly attention: Readonly<Partial<Record<StageName, readonly AttentionMap[]>>>;
}
