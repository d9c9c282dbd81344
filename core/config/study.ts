/** A study: which arms, how large, how trained. A preset is a function that returns one; flags override a short list of its values. */
import { UsageError } from "../errors.ts";
import { type Arm, armsOf, type Shape, type Suite, suiteNamed } from "./suites.ts";

export interface StageConfig {
  readonly steps: number;
  /** Peak learning rate after linear warm-up; cosine to zero from there. */
  readonly rate: number;
  readonly warmup: number;
  readonly decay: number;
  /** Sequences of a step; in the preference stage, pairs. */
  readonly batch: number;
  /** Steps between evaluations on the validation part; the last step is always evaluated. */
  readonly evaluateEvery: number;
}

/** How the second stage computes its loss: odds-ratio preference, or what the seed's notebook did. */
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

/** A synthetic task that shows what a model can look up: see `core/data/recall.ts` for the sequences. */
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
}

/** How training keeps the activations that its backward pass needs. */
export interface ActivationConfig {
  /** Layers are computed again in the backward pass, and only what goes from layer to layer is kept. Same bits, more time. */
  readonly remat?: boolean;
  /** In how many bits the forward pass keeps what the backward pass needs; f32 without it. Arithmetic, weights, gradients: f32. */
  readonly precision?: Exclude<Precision, "f32">;
}

export const PRECISIONS = ["f32", "bf16", "f16"] as const;
export type Precision = typeof PRECISIONS[number];

/** The precision that is meant when none is given: the documented study trained in bf16. */
export const usualPrecision = (preset: string, hardware: boolean): Precision =>
  preset === "paper" && hardware ? "bf16" : "f32";

export interface StudyConfig extends ActivationConfig {
  readonly preset: string;
  /** `seed`: the documented study as it was, with its block, tokenizer, split and second stage. */
  readonly profile?: Profile;
  /** What is compared; absent in records of older runs, which compared the five models. */
  readonly suite?: Suite;
  readonly match: MatchRule;
  readonly arms: readonly Arm[];
  readonly seeds: readonly number[];
  readonly vocabSize: number;
  /** T: text tokens of a sequence. */
  readonly sequenceLength: number;
  /** The first part of the corpus that is trained on; the rest validates. */
  readonly trainFraction: number;
  readonly pretraining: StageConfig;
  readonly orpo: StageConfig;
  readonly preference: PreferenceConfig;
  readonly samples: SampleConfig;
  /** The recall probe of every arm; absent in records of older runs. */
  readonly recall?: RecallConfig;
  /** Only so many characters of the corpus are used, from its start; all without it. */
  readonly characters?: number;
}

/** Whole ways of doing a study besides the usual one. */
export const PROFILES = ["seed"] as const;
export type Profile = typeof PROFILES[number];

export const PRESETS = ["smoke", "quick", "small", "paper", "quick-software"] as const;
export type Preset = typeof PRESETS[number];

/** Size and training of a preset's recall probe. */
type RecallSize = Pick<RecallConfig, "steps" | "batch" | "testBatches">;

interface Size {
  /** Left out where a preset has no probe. */
  recall?: RecallSize;
  shape: Shape;
  match: MatchRule;
  /** Feed-forward width of all models without matching, where it is not that of the shape. */
  unmatchedWidth?: number;
  sequenceLength: number;
  characters?: number;
  seeds: number[];
  pretraining: StageConfig;
  orpo: StageConfig;
  preference?: Partial<PreferenceConfig>;
  samples?: Partial<SampleConfig>;
}

const QUICK: Size = {
  recall: { steps: 600, batch: 32, testBatches: 16 },
  shape: {
    vocabSize: 512,
    dModel: 64,
    nLayers: 7,
    nHeads: 4,
    nKvHeads: 2,
    ffnHidden: 192,
    swaWindow: 32,
    numMetaTokens: 8,
  },
  match: "none",
  sequenceLength: 96,
  seeds: [1],
  pretraining: { steps: 700, rate: 4e-3, warmup: 20, decay: 0.1, batch: 8, evaluateEvery: 100 },
  orpo: { steps: 32, rate: 2e-4, warmup: 4, decay: 0.01, batch: 4, evaluateEvery: 8 },
  preference: { trainPairs: 64, heldOutPairs: 64, promptTokens: 32, completionTokens: 32 },
  samples: { prompts: 3, promptTokens: 24, newTokens: 96 },
};

/**
 * `quick` where WebGPU runs on a software adapter, whose steps take tens of times as long as those of the CPU executor: the same
 * models on the same text with fewer steps of a quarter of the sequences, one evaluation a stage, few pairs, no recall probe.
 */
const QUICK_SOFTWARE: Size = {
  ...QUICK,
  recall: undefined,
  pretraining: { ...QUICK.pretraining, steps: 240, batch: 2, evaluateEvery: 240 },
  orpo: { ...QUICK.orpo, steps: 4, warmup: 1, evaluateEvery: 4 },
  preference: { ...QUICK.preference, trainPairs: 16, heldOutPairs: 16 },
};

const SIZES: Record<Preset, Size> = {
  smoke: {
    recall: { steps: 10, batch: 4, testBatches: 1 },
    shape: {
      vocabSize: 384,
      dModel: 32,
      nLayers: 6,
      nHeads: 4,
      nKvHeads: 2,
      ffnHidden: 64,
      swaWindow: 16,
      numMetaTokens: 4,
    },
    match: "none",
    characters: 40_000,
    sequenceLength: 28, // with the meta tokens 32, a whole tile of attention
    seeds: [1],
    pretraining: { steps: 40, rate: 1e-2, warmup: 4, decay: 0.1, batch: 4, evaluateEvery: 20 },
    orpo: { steps: 4, rate: 1e-3, warmup: 1, decay: 0.01, batch: 2, evaluateEvery: 4 },
    preference: { trainPairs: 8, heldOutPairs: 8, promptTokens: 8, completionTokens: 8 },
    samples: { prompts: 2, promptTokens: 8, newTokens: 16 },
  },
  quick: QUICK,
  small: {
    recall: { steps: 600, batch: 32, testBatches: 32 },
    shape: {
      vocabSize: 1000,
      dModel: 128,
      nLayers: 7,
      nHeads: 4,
      nKvHeads: 2,
      ffnHidden: 384,
      swaWindow: 32,
      numMetaTokens: 16,
    },
    match: "parameters",
    sequenceLength: 128,
    seeds: [1, 2, 3],
    pretraining: { steps: 300, rate: 2e-3, warmup: 30, decay: 0.1, batch: 16, evaluateEvery: 100 },
    orpo: { steps: 64, rate: 1e-4, warmup: 8, decay: 0.01, batch: 8, evaluateEvery: 16 },
    preference: { trainPairs: 256, heldOutPairs: 128 },
  },
  paper: {
    recall: { steps: 2000, batch: 64, testBatches: 32 },
    shape: {
      vocabSize: 4000,
      dModel: 512,
      nLayers: 15,
      nHeads: 8,
      nKvHeads: 4,
      ffnHidden: 1365,
      swaWindow: 128,
      numMetaTokens: 64,
    },
    match: "parameters",
    unmatchedWidth: 2048, // of the documented study
    sequenceLength: 256,
    seeds: [1, 2, 3],
    // 30 epochs of 64 batches, then 10: the documented 40.
    pretraining: { steps: 1920, rate: 3e-4, warmup: 200, decay: 0.1, batch: 16, evaluateEvery: 64 },
    orpo: { steps: 640, rate: 1e-4, warmup: 100, decay: 0.01, batch: 8, evaluateEvery: 64 },
    preference: { trainPairs: 512, heldOutPairs: 128 },
  },
  "quick-software": QUICK_SOFTWARE,
};

const PREFERENCE: PreferenceConfig = {
  loss: "orpo",
  beta: 0.1,
  rejected: "sample",
  temperature: 1,
  trainPairs: 64,
  heldOutPairs: 32,
  promptTokens: 64,
  completionTokens: 64,
};

const SAMPLES: SampleConfig = { prompts: 3, promptTokens: 32, newTokens: 100, temperature: 0.8, topK: 40 };

/** Suites that compare one factor at a time have models of one size in every preset. */
const MATCHED: readonly Suite[] = ["factorial", "roadmap", "fusion"];

/**
 * Models of the probe: two layers, where an architecture has windows both of them or only the first. Two windows reach six
 * tokens back. One head as wide as the model: with two half as wide `transformer-global` learned nothing in 1200 steps.
 */
const RECALL_SHAPE: Shape = {
  vocabSize: 33,
  dModel: 64,
  nLayers: 2,
  nHeads: 1,
  nKvHeads: 1,
  ffnHidden: 64,
  swaWindow: 4,
  numMetaTokens: 4,
  globalAttnIndices: [1],
  initDeviation: 0.05,
  metaInit: "embedding",
};

const RECALL: Omit<RecallConfig, "arms" | keyof RecallSize> = {
  keys: 16,
  values: 16,
  fillers: 1,
  length: 40,
  ranges: [[2, 4], [6, 10], [12, 20], [22, 32]],
  perRange: 2,
  rate: 1e-3,
  warmup: 20,
  decay: 0.1,
};

/** What flags may change in a preset. */
export interface Overrides {
  suite?: string;
  models?: readonly string[];
  seeds?: number;
  steps?: number;
  orpoSteps?: number;
  beta?: number;
  orpoLoss?: OrpoLoss;
  rejected?: RejectionRule;
  match?: MatchRule;
  remat?: boolean;
  precision?: Precision;
  profile?: Profile;
}

/** What a profile decides itself. Throws UsageError when another flag says otherwise. */
function requireProfile({ profile, suite, match, orpoLoss }: Overrides): void {
  if (profile === undefined) return;
  if (!PROFILES.includes(profile)) {
    throw new UsageError(`unknown profile ${JSON.stringify(profile)}`, { expected: PROFILES.join(", ") });
  }
  for (
    const [flag, given, fixed] of [["suite", suite, "seed"], ["match", match, "none"], ["orpo-loss", orpoLoss, "seed"]]
  ) {
    if (given === undefined || given === fixed) continue;
    throw new UsageError(`--${flag} ${given} does not go with --profile ${profile}`, {
      expected: `--${flag} ${fixed}`,
    });
  }
}

/**
 * The full configuration of a preset with all arms at one feed-forward width, also where `match` asks for another.
 * Throws UsageError for a name or value that does not exist.
 */
export function studyOf(preset: string, overrides: Overrides = {}): StudyConfig {
  const size = SIZES[preset as Preset];
  if (!size || !PRESETS.includes(preset as Preset)) {
    throw new UsageError(`unknown preset ${JSON.stringify(preset)}`, { expected: PRESETS.join(", ") });
  }
  requireProfile(overrides);
  const { profile } = overrides, suite = suiteNamed(overrides.suite ?? profile ?? "arms");
  const matched = overrides.match ?? (profile ? "none" : MATCHED.includes(suite) ? "parameters" : size.match);
  const width = profile ? 4 * size.shape.dModel! : matched === "none" ? size.unmatchedWidth : undefined;
  const shape: Shape = width === undefined ? size.shape : { ...size.shape, ffnHidden: width };
  const { models, seeds, steps, orpoSteps, beta, orpoLoss, rejected, remat, precision } = overrides;
  const preference = { ...PREFERENCE, ...size.preference };
  const fit = (stage: StageConfig, count = stage.steps): StageConfig => ({
    ...stage,
    steps: count,
    warmup: Math.min(stage.warmup, Math.floor(count / 2)),
    evaluateEvery: Math.min(stage.evaluateEvery, count),
  });
  return {
    preset,
    suite,
    ...(profile ? { profile } : {}),
    match: matched,
    arms: armsOf(suite, shape, models),
    seeds: seeds === undefined ? size.seeds : Array.from({ length: seeds }, (_, i) => i + 1),
    vocabSize: size.shape.vocabSize,
    sequenceLength: size.sequenceLength,
    trainFraction: 0.9,
    pretraining: fit(size.pretraining, steps),
    orpo: fit(size.orpo, orpoSteps),
    preference: {
      ...preference,
      beta: beta ?? preference.beta,
      loss: profile ?? orpoLoss ?? preference.loss,
      rejected: rejected ?? preference.rejected,
    },
    samples: { ...SAMPLES, ...size.samples },
    ...(size.recall ? { recall: { ...RECALL, ...size.recall, arms: armsOf(suite, RECALL_SHAPE, models) } } : {}),
    ...(size.characters === undefined ? {} : { characters: size.characters }),
    ...(remat ? { remat } : {}),
    ...(precision && precision !== "f32" ? { precision } : {}),
  };
}
