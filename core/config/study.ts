/** A study: which arms, how large, how trained. `core/study_file/` makes one out of a preset, a study file and flags. */
import { ArchType } from "./options.ts";
import type { OpenLength, StageConfig } from "./stage.ts";
import type { Arm, Suite } from "./suites.ts";

/** The loss of the second stage: odds-ratio preference, or the rule of the documented notebook. */
export type OrpoLoss = "orpo" | "seed";
/** Where rejected continuations come from: samples of the stage-1 model, or the true continuation with its tokens shuffled. */
export type RejectionRule = "sample" | "corrupt";

export interface PreferenceConfig {
  readonly loss: OrpoLoss;
  readonly beta: number;
  readonly rejected: RejectionRule;
  readonly temperature: number;
  readonly trainPairs: number;
  readonly heldOutPairs: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** Whether the feed-forward widths give all arms the parameters of `hymba`, or all arms have one width. */
export type MatchRule = "parameters" | "none";

export interface SampleConfig {
  readonly prompts: number;
  readonly promptTokens: number;
  readonly newTokens: number;
  readonly temperature: number;
  readonly topK: number;
}

/** A synthetic task of associative recall; see `core/data/recall.ts` for the sequences. */
export interface RecallConfig {
  /** The arms of the study at the size of the probe. */
  readonly arms: readonly Arm[];
  readonly keys: number;
  readonly values: number;
  readonly fillers: number;
  /** T: tokens of a sequence. */
  readonly length: number;
  /** Tokens from a pair to its query, even numbers, ends included. */
  readonly ranges: readonly (readonly [least: number, most: number])[];
  /** Queries of a sequence in each range. */
  readonly perRange: number;
  readonly steps: number;
  readonly rate: number;
  readonly warmup: number;
  readonly decay: number;
  readonly batch: number;
  /** Batches that are asked after training. */
  readonly testBatches: number;
  /** Updates from one look at the accuracy to the next. Absent: none before the end. */
  readonly evaluateEvery?: number;
  /** Looks without a better accuracy after which training ends. Absent: it never ends early. */
  readonly patience?: number;
}

/** How training keeps the activations that its backward pass needs. */
export interface ActivationConfig {
  /** Recompute layers in the backward pass and keep only the residual stream. Same bits, more time. */
  readonly remat?: boolean;
  /**
   * The format of activations that the forward pass saves for the backward pass. Default f32. Arithmetic, weights and
   * gradients are f32.
   */
  readonly precision?: Exclude<Precision, "f32">;
  /** Products of operands in f16 are made by tensor cores. With precision f16 alone, and on an executor that was opened for it. */
  readonly tensorCores?: true;
}

/** Whether tensor cores make the products of precision f16. `auto` is off until they were measured on GPUs. */
export const TENSOR_CORES = ["auto", "on", "off"] as const;
/** One of {@link TENSOR_CORES}. */
export type TensorCores = typeof TENSOR_CORES[number];

/** In how many bits activations are kept until the backward pass. */
export const PRECISIONS = ["f32", "bf16", "f16"] as const;
/** One of {@link PRECISIONS}. */
export type Precision = typeof PRECISIONS[number];

/** The default precision: the documented study trained in bf16. */
export const usualPrecision = (preset: string, hardware: boolean): Precision =>
  preset === "paper" && hardware ? "bf16" : "f32";

export const SPLITS = ["contiguous", "interleaved"] as const;

/** How a text is split if it has more than two parts. */
export interface SplitConfig {
  /** contiguous: each part is one piece. interleaved: each part has blocks from the whole text. */
  readonly kind: typeof SPLITS[number];
  /** The share of the text that is read once, when all training is done. */
  readonly testFraction: number;
  /** interleaved: characters of a block. */
  readonly blockCharacters?: number;
  /** Characters that each of two neighbours of different parts loses at their border. */
  readonly gapCharacters: number;
  /** Parts that are files of their own. */
  readonly separate?: readonly ("validation" | "test")[];
}

/** A tokenizer that is not trained on the study's text: bytes, or a file in one of its two forms. */
export const GIVEN_TOKENIZERS = ["bytes", "model", "json"] as const;

export interface StudyConfig extends ActivationConfig {
  readonly preset: string;
  /** `seed`: the documented study as it was, with its block, tokenizer, split and second stage. */
  readonly profile?: Profile;
  /** The suite; absent in older records, which compared the five models. */
  readonly suite?: Suite;
  readonly match: MatchRule;
  /**
   * Steps of the first stage differ, so that all arms get as many floating-point operations, or as much measured time. Absent: as
   * many tokens.
   */
  readonly budget?: "flops" | "seconds";
  readonly arms: readonly Arm[];
  readonly seeds: readonly number[];
  readonly vocabSize: number;
  /** Absent: the tokenizer is trained on the training part of the text. */
  readonly tokenizer?: typeof GIVEN_TOKENIZERS[number];
  /** T: text tokens of a sequence. */
  readonly sequenceLength: number;
  /** The share of the corpus that is trained on; the rest validates, but for a test part that `split` may name. */
  readonly trainFraction: number;
  /** Absent: the first part of the corpus is trained on, and all the rest validates. */
  readonly split?: SplitConfig;
  readonly pretraining: StageConfig;
  readonly orpo: StageConfig;
  readonly preference: PreferenceConfig;
  readonly samples: SampleConfig;
  /** The recall probe of every arm; absent in records of older runs. */
  readonly recall?: RecallConfig;
  /** Only this many characters from the start of the corpus are used. Default: all. */
  readonly characters?: number;
  /** See {@link mainArm}. */
  readonly mainArm?: string;
  /** Default: {@link EQUIVALENCE_MARGIN}. */
  readonly equivalenceMargin?: number;
  /** The study ends with its first stage. Absent: it has the second stage too. */
  readonly lastStage?: "pretraining";
  /** The study serves a choice: its test part is never read. */
  readonly choosing?: true;
}

/** Nats per token below which a difference does not matter, 2 % of the perplexity: models are called equal only within it. */
export const EQUIVALENCE_MARGIN = 0.02;

/**
 * The name of the arm that a study is about: its attention is drawn, and commands take it when no model is named. Without the
 * field it is `hymba`, where the study has it.
 */
export const mainArm = ({ mainArm, arms }: Pick<StudyConfig, "mainArm" | "arms">): string | undefined =>
  mainArm ?? arms.find(({ name }) => name === ArchType.HYBRID)?.name;

/** Profiles: complete alternative settings of a study. */
export const PROFILES = ["seed"] as const;
export type Profile = typeof PROFILES[number];

export const PRESETS = ["smoke", "quick", "small", "paper", "quick-software"] as const;
export type Preset = typeof PRESETS[number];

/** Suites that compare one factor at a time have models of one size in every preset. */
export const MATCHED: readonly Suite[] = ["factorial", "roadmap", "fusion", "decompose"];

/** The study with an arm's own values of the first stage. */
export function studyOfArm(study: StudyConfig, { name }: { name: string }): StudyConfig {
  const own = study.arms.find((arm) => arm.name === name)?.pretraining;
  return own ? { ...study, pretraining: { ...study.pretraining, ...own } } : study;
}

/** Lengths of first stages that are not known in steps yet. */
export const openLengths = (study: StudyConfig): OpenLength[] =>
  [study, ...study.arms.map((arm) => studyOfArm(study, arm))].flatMap(({ pretraining }) =>
    pretraining.openLength ?? []
  );

/** Whether steps of a study are not known yet. */
export const hasOpenLength = (study: StudyConfig): boolean => openLengths(study).length > 0;
