/** The files of a whole run: their schemas, and their types. Every reader throws a HymbaError with the file and the place. */
import {
  type Arm,
  GIVEN_TOKENIZERS,
  HymbaConfig,
  type HymbaOptions,
  PROFILES,
  RATE_SCALINGS,
  SCHEDULES,
  SPLITS,
  type StudyConfig,
  SUITES,
} from "../config/mod.ts";
import {
  type Checked,
  digest,
  either,
  list,
  mapOf,
  measure,
  number,
  object,
  oneOf,
  optional,
  pairOf,
  readAs,
  refuse,
  text,
  whole,
} from "../file_schema.ts";
import { readings } from "./readings.ts";
import { armName, count, long, name, quality, RECORD_LIMITS, size, stage } from "./rules.ts";

const rate = number({ min: 0 });

/** Fields of a stage that are absent for the default. */
const unusual = {
  accumulate: optional(whole({ min: 1, max: 2 ** 20 })),
  schedule: optional(oneOf(SCHEDULES)),
  cooldown: optional(number({ min: 0, max: 1 })),
  optimizer: optional(object({ beta1: rate, beta2: rate, eps: rate, clip: rate })),
  checkpointEvery: optional(whole({ min: 1 })),
  rateScaling: optional(oneOf(RATE_SCALINGS)),
  rateWidth: optional(whole({ min: 1 })),
};
const stageConfig = object({
  steps: size,
  rate,
  warmup: size,
  decay: rate,
  batch: size,
  evaluateEvery: whole({ min: 1 }),
  ...unusual,
});

const ownStage = object({
  steps: optional(size),
  rate: optional(rate),
  warmup: optional(size),
  decay: optional(rate),
  batch: optional(size),
  evaluateEvery: optional(whole({ min: 1 })),
  ...unusual,
});
const arm = object({ name: armName, config: object({}), pretraining: optional(ownStage), trunk: optional(armName) });
const arms = list(arm, {
  min: 1,
  max: RECORD_LIMITS.arms,
});

const recall = object({
  arms,
  keys: size,
  values: size,
  fillers: size,
  length: size,
  perRange: size,
  ranges: list(pairOf(size), { min: 1, max: 64 }),
  steps: size,
  rate,
  warmup: size,
  decay: rate,
  batch: size,
  testBatches: size,
  evaluateEvery: optional(whole({ min: 1 })),
  patience: optional(whole({ min: 1 })),
});

const preference = object({
  loss: oneOf(["orpo", "seed"]),
  beta: number({ min: 0 }),
  rejected: oneOf(["sample", "corrupt"]),
  temperature: number({ min: 0 }),
  trainPairs: size,
  heldOutPairs: size,
  promptTokens: size,
  completionTokens: size,
});

const samples = object({
  prompts: size,
  promptTokens: size,
  newTokens: size,
  temperature: number({ min: 0 }),
  topK: size,
});

const split = object({
  kind: oneOf(SPLITS),
  testFraction: number({ min: 0, max: 1 }),
  blockCharacters: optional(whole({ min: 1 })),
  gapCharacters: count,
  separate: optional(list(oneOf(["validation", "test"]), { min: 1, max: 2 })),
});

const study = object({
  preset: name,
  match: oneOf(["parameters", "none"]),
  arms,
  seeds: list(count, { min: 1, max: RECORD_LIMITS.seeds }),
  vocabSize: size,
  sequenceLength: whole({ min: 1, max: 2 ** 20 }),
  trainFraction: number({ min: 0, max: 1 }),
  split: optional(split),
  tokenizer: optional(oneOf(GIVEN_TOKENIZERS)),
  pretraining: stageConfig,
  orpo: stageConfig,
  preference,
  samples,
  profile: optional(oneOf(PROFILES)),
  suite: optional(oneOf(SUITES)),
  budget: optional(oneOf(["flops", "seconds"])),
  characters: optional(count),
  mainArm: optional(armName),
  equivalenceMargin: optional(number({ min: 0 })),
  lastStage: optional(oneOf(["pretraining"])),
  choosing: optional(oneOf([true])),
  remat: optional(oneOf([true, false])),
  precision: optional(oneOf(["bf16", "f16"])),
  tensorCores: optional(oneOf([true])),
  recall: optional(recall),
});

const fileOfText = object({ name: text(), bytes: count, sha256: digest });
/** The files of a text in their order; absent for a single one, and in older records. */
const files = optional(list(fileOfText, { min: 2, max: RECORD_LIMITS.texts }));
const separateText = object({ name: text(), bytes: count, sha256: digest, files });

/** run.json as stored. */
const storedRecord = object({
  format: oneOf([1]),
  /** The resolved study. Model configurations are plain objects here. */
  study,
  versions: mapOf(text(), { max: RECORD_LIMITS.fields }),
  backend: name,
  /** Adapter name and driver, or processor and threads. */
  adapter: mapOf(either(text(), number(), "a text or a number"), { max: RECORD_LIMITS.fields }),
  /** Tiles of matrix products by shape, from `hymba tune` before the run started. The bits of the run depend on them. */
  tiles: optional(mapOf(name, { max: RECORD_LIMITS.tiles })),
  corpus: object({
    name: text(),
    bytes: count,
    sha256: digest,
    licence: text(),
    files,
    warning: optional(text()),
    /** Files that are a whole part each. */
    validation: optional(separateText),
    test: optional(separateText),
  }),
  /**
   * `source`: the file that it was read from, or bytes; absent if it was trained on the text. `sampleCharacters`: present if
   * it was trained on a sample of the training part.
   */
  tokenizer: object({ sha256: digest, vocabSize: size, source: optional(text()), sampleCharacters: optional(count) }),
  data: object({
    trainTokens: count,
    validationTokens: count,
    /** Predicted tokens, and the bytes of their text. */
    evaluatedTokens: count,
    evaluatedBytes: count,
    /** The same for the test part, if there is one. */
    testTokens: optional(count),
    testBytes: optional(count),
    /** Training tokens that the baselines count, if these are not all. */
    countedTokens: optional(count),
  }),
  baselines: object({ unigram: object(quality), bigram: object(quality) }),
  /** SHA-256 of the kernels of the run (core/backend/kernels_hash.ts). Older records have none. */
  kernels: optional(digest),
  /** The extensions of the finished run: added seeds and models, and the command. */
  extended: optional(
    list(
      object({
        when: text({ max: 64 }),
        command: long,
        arms: list(armName, { max: RECORD_LIMITS.arms }),
        seeds: list(count, { max: RECORD_LIMITS.seeds }),
      }),
      { max: 1000 },
    ),
  ),
  /** The commit of the program if its folder is a repository, and whether its files differed from it. */
  program: optional(object({ commit: name, dirty: oneOf([true, false]) })),
  /** The processor, also for runs on a GPU. */
  processor: optional(name),
  started: text({ max: 64 }),
  command: long,
  /** Only in a run made by `hymba merge`: the commands that trained its cells. */
  trained_by: optional(
    list(
      object({
        command: long,
        cells: list(object({ arm: armName, seed: count }), { min: 1, max: RECORD_LIMITS.cells }),
      }),
      { max: RECORD_LIMITS.cells },
    ),
  ),
  /** Seconds per update of the first stage by arm, measured when a run with a budget of seconds started. */
  updateSeconds: optional(mapOf(number({ min: 0 }), { max: RECORD_LIMITS.arms })),
  /** The 95 % interval of each of these times, divided by that of the first arm; absent in older records. */
  updateRatios: optional(mapOf(list(number({ min: 0 }), { min: 2, max: 2 }), { max: RECORD_LIMITS.arms })),
  /** Every evaluation on the test part. Older runs have it in a file of its own. */
  test_readings: optional(readings),
  /** The origin of each value of the study, by its key; absent in older records. */
  origins: optional(mapOf(text(), { max: RECORD_LIMITS.origins })),
});

/** run.json: everything that the numbers depend on. */
export type RunRecord = Omit<Checked<typeof storedRecord>, "study"> & {
  /** The resolved study. */
  readonly study: StudyConfig;
};

const line = {
  arm: armName,
  seed: count,
  /** For a failure: why the arm stopped. Such a line has no step and no numbers. */
  message: optional(long),
  /** Nats per token; for a training line of a preference stage, the whole objective. */
  loss: optional(measure),
  rate: optional(measure),
  gradientNorm: optional(measure),
  /** f16: the factor on the loss for the backward pass, and 1 if a gradient overflowed and the update was skipped. */
  lossScale: optional(measure),
  skipped: optional(measure),
  /** ORPO: nll of the chosen rows, mean log-sigmoid of the log odds, mean log odds, share of pairs preferred. */
  nll: optional(measure),
  logSigmoid: optional(measure),
  logOdds: optional(measure),
  accuracy: optional(measure),
  margin: optional(measure),
  chosenLogp: optional(measure),
  rejectedLogp: optional(measure),
  perplexity: optional(measure),
  bitsPerByte: optional(measure),
  tokens_per_s: optional(measure),
};
const failureLine = object({
  ...line,
  kind: oneOf(["failure"]),
  stage: optional(stage),
  step: optional(count),
});
const measuredLine = object({
  ...line,
  kind: oneOf(["train", "evaluation", "preference"]),
  stage,
  /** 1 is the first update; evaluations before it have step 0. */
  step: count,
});

/** A line of metrics.jsonl. */
export type MetricsLine = Checked<typeof failureLine> | Checked<typeof measuredLine>;

const map = object({
  layer: whole({ max: RECORD_LIMITS.layers }),
  kind: oneOf(["global", "local"]),
  positions: whole({ min: 1, max: 2 ** 16 }),
  metaTokens: size,
  window: size,
  /** Labels of the positions. */
  labels: list(text(), { max: 2 ** 16 }),
});
const maps = list(map, { max: RECORD_LIMITS.layers });

/** The header entry of one attention map. */
export type AttentionMapHeader = Checked<typeof map>;

/** Arms with their configurations checked and frozen. */
const checkedArms = (given: Checked<typeof arms>): Arm[] =>
  given.map((arm) => ({ ...arm, config: new HymbaConfig(arm.config as Partial<HymbaOptions>) }));

/** run.json. The configurations of its arms are checked and frozen. */
export function runRecordOf(value: unknown, path: string): RunRecord {
  const found = readAs(storedRecord, value, path), { recall, ...study } = found.study;
  const arms = checkedArms(study.arms);
  if (new Set(arms.map(({ name }) => name)).size < arms.length) {
    refuse(`${path}.study.arms`, "arms with different names", study.arms);
  }
  return {
    ...found,
    study: { ...study, arms, ...(recall && { recall: { ...recall, arms: checkedArms(recall.arms) } }) },
  };
}

/** A line of metrics.jsonl. */
export const metricsLineOf = (value: Record<string, unknown>, path: string): MetricsLine =>
  value.kind === "failure" ? readAs(failureLine, value, path) : readAs(measuredLine, value, path);

/** The header of a file of attention maps. */
export const attentionMapsOf = (value: unknown, path: string): readonly AttentionMapHeader[] =>
  readAs(maps, value, path);
