/** What a run directory holds: the types of run.json, of the results of its arms and of the lines of metrics.jsonl. */
import type { CacheSize } from "../config/sizes.ts";
import type { StudyConfig } from "../config/study.ts";

/** Mean negative log-likelihood per token and what follows from it. */
export interface Quality {
  /** Nats per token. */
  readonly loss: number;
  readonly perplexity: number;
  /** loss · tokens / (bytes · ln 2), with the bytes of the original text. */
  readonly bitsPerByte: number;
}

export interface Evaluation extends Quality {
  readonly step: number;
}

/** run.json: everything that the numbers depend on. */
export interface RunRecord {
  readonly format: 1;
  /** The resolved study. Model configurations are plain objects here. */
  readonly study: StudyConfig;
  readonly versions: Readonly<Record<string, string>>;
  readonly backend: string;
  /** Adapter name and driver, or processor and threads. */
  readonly adapter: Readonly<Record<string, string | number>>;
  /** Tiles of matrix products by shape, as `hymba tune` had found them when the run began; they are part of its bits. */
  readonly tiles?: Readonly<Record<string, string>>;
  readonly corpus: {
    readonly name: string;
    readonly bytes: number;
    readonly sha256: string;
    readonly licence: string;
    readonly warning?: string;
  };
  readonly tokenizer: { readonly sha256: string; readonly vocabSize: number };
  readonly data: {
    readonly trainTokens: number;
    readonly validationTokens: number;
    /** Tokens that are predicted, and the bytes of text that they stand for. */
    readonly evaluatedTokens: number;
    readonly evaluatedBytes: number;
  };
  readonly baselines: { readonly unigram: Quality; readonly bigram: Quality };
  readonly started: string;
  readonly command: string;
}

/** Preference measures on held-out pairs; log-probabilities are means per completion token. */
export interface PreferenceMeasures {
  readonly step: number;
  /** Share of pairs whose chosen continuation is the likelier one. */
  readonly accuracy: number;
  /** Mean of chosen minus rejected log-probability. */
  readonly margin: number;
  readonly logOdds: number;
  readonly chosenLogp: number;
  readonly rejectedLogp: number;
}

export interface StageResult {
  readonly steps: number;
  readonly tokens: number;
  readonly final: Evaluation;
  readonly best: Evaluation;
  /** Before the first step, and after the last. */
  readonly preference?: { readonly before: PreferenceMeasures; readonly after: PreferenceMeasures };
  readonly train_s: number;
  readonly tokens_per_s: number;
}

/** `control` is the second stage with beta = 0 from the same checkpoint: more training without the preference term. */
export type StageName = "pretraining" | "orpo" | "control";

export interface Sample {
  readonly stage: StageName;
  readonly prompt: string;
  readonly text: string;
}

/** arms/NAME-SEED/result.json */
export interface ArmResult {
  readonly arm: string;
  readonly seed: number;
  readonly parameters: number;
  readonly cache: CacheSize;
  /** Bytes of the training plan: parameters, gradients and moments, then activations. */
  readonly memory: { readonly arenaBytes: number; readonly slotBytes: number; readonly peakBytes: number };
  readonly stages: Readonly<Partial<Record<StageName, StageResult>>>;
  readonly generation: { readonly tokens_per_s: number; readonly newTokens: number };
  readonly samples: readonly Sample[];
  /** Why this arm stopped early, when it did. */
  readonly failure?: string;
}

export interface RecallAccuracy {
  readonly least: number;
  readonly most: number;
  readonly queries: number;
  readonly accuracy: number;
}

/** What one arm recalls: recall/NAME-SEED.json. */
export interface RecallResult {
  readonly arm: string;
  readonly seed: number;
  readonly parameters: number;
  readonly steps: number;
  /** Mean over the last updates, nats per answer. */
  readonly loss: number;
  /** Share of answers that are right, by the distance of the question from its pair (tokens, ends included). */
  readonly accuracies: readonly RecallAccuracy[];
  readonly train_s: number;
}

/** A line of metrics.jsonl. */
export interface MetricsLine {
  readonly arm: string;
  readonly seed: number;
  readonly stage: StageName;
  /** 1 is the first update; evaluations before it have step 0. */
  readonly step: number;
  readonly kind: "train" | "evaluation" | "preference" | "failure";
  /** Of a failure: why the arm stopped. Such a line has no step and no numbers. */
  readonly message?: string;
  /** Nats per token; of a preference stage's training line, the whole objective. */
  readonly loss?: number;
  readonly rate?: number;
  readonly gradientNorm?: number;
  /** f16: what the loss was multiplied with for the backward pass, and 1 where that overflowed and the update was left out. */
  readonly lossScale?: number;
  readonly skipped?: number;
  /** ORPO: nll of the chosen rows, mean log-sigmoid of the log odds, mean log odds, share of pairs preferred. */
  readonly nll?: number;
  readonly logSigmoid?: number;
  readonly logOdds?: number;
  readonly accuracy?: number;
  readonly margin?: number;
  readonly chosenLogp?: number;
  readonly rejectedLogp?: number;
  readonly perplexity?: number;
  readonly bitsPerByte?: number;
  readonly tokens_per_s?: number;
}

/** One layer's attention probabilities, averaged over heads: [positions, positions], meta tokens first. */
export interface AttentionMap {
  readonly layer: number;
  readonly kind: "global" | "local";
  readonly positions: number;
  readonly metaTokens: number;
  readonly window: number;
  readonly probabilities: Float32Array;
  /** Codes of each head, [heads, positions (positions + 1) / 2]: see attentionCodes. Older runs have none. */
  readonly heads?: Uint8Array;
  /** What the positions are, in words. */
  readonly labels: readonly string[];
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
  /** Maps of the arm `hymba`, first seed, where it was trained. */
  readonly attention: Readonly<Partial<Record<StageName, readonly AttentionMap[]>>>;
}
