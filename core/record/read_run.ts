/** Checks what a run directory holds before its types are believed. Throws a HymbaError with the file and the path of the value. */
import { HymbaConfig } from "../config/model.ts";
import type { HymbaOptions } from "../config/options.ts";
import type { AttentionMap, MetricsLine, RunRecord } from "./types.ts";
import { armName, count, digest, long, measure, name, quality, RECORD_LIMITS, size, STAGES } from "./rules.ts";
import { PRECISIONS, PROFILES } from "../config/study.ts";
import { type Arm, SUITES } from "../config/suites.ts";
import { either, list, mapOf, number, object, oneOf, refuse, type Rule, text, whole } from "./schema.ts";

const words = mapOf(either(text(), number()), { max: RECORD_LIMITS.fields });

const stageConfig = object({
  steps: size,
  rate: number({ min: 0 }),
  warmup: size,
  decay: number({ min: 0 }),
  batch: size,
  evaluateEvery: whole({ min: 1 }),
});

const arms = list(object({ name: armName, config: object({}) }), { min: 1, max: RECORD_LIMITS.arms });
const range: Rule = (value, path) => {
  list(size, { min: 2, max: 2 })(value, path);
};

const recall = object({
  ...{ arms, keys: size, values: size, fillers: size, length: size, perRange: size },
  ranges: list(range, { min: 1, max: 64 }),
  ...{ steps: size, rate: number({ min: 0 }), warmup: size, decay: number({ min: 0 }), batch: size, testBatches: size },
});

const study = object({
  preset: name,
  match: oneOf(["parameters", "none"]),
  arms,
  seeds: list(count, { min: 1, max: RECORD_LIMITS.seeds }),
  vocabSize: size,
  sequenceLength: whole({ min: 1, max: 2 ** 31 }),
  trainFraction: number({ min: 0, max: 1 }),
  pretraining: stageConfig,
  orpo: stageConfig,
  preference: object({
    loss: oneOf(["orpo", "seed"]),
    beta: number({ min: 0 }),
    rejected: oneOf(["sample", "corrupt"]),
    temperature: number({ min: 0 }),
    trainPairs: size,
    heldOutPairs: size,
    promptTokens: size,
    completionTokens: size,
  }),
  samples: object({
    prompts: size,
    promptTokens: size,
    newTokens: size,
    temperature: number({ min: 0 }),
    topK: size,
  }),
}, {
  profile: oneOf(PROFILES),
  suite: oneOf(SUITES),
  characters: count,
  remat: oneOf([true, false]),
  precision: oneOf(PRECISIONS),
  recall,
});

const record = object({
  format: oneOf([1]),
  study,
  versions: words,
  backend: name,
  adapter: words,
  corpus: object({ name: text(), bytes: count, sha256: digest, licence: text() }, { warning: text() }),
  tokenizer: object({ sha256: digest, vocabSize: size }),
  data: object({ trainTokens: count, validationTokens: count, evaluatedTokens: count, evaluatedBytes: count }),
  baselines: object({ unigram: object(quality), bigram: object(quality) }),
  started: text({ max: 64 }),
  command: text({ max: RECORD_LIMITS.textLength }),
}, { tiles: mapOf(name, { max: RECORD_LIMITS.tiles }) });

const NUMBERS = ["loss", "rate", "gradientNorm", "nll", "logSigmoid", "logOdds", "accuracy", "margin", "chosenLogp"]
  .concat(["rejectedLogp", "perplexity", "bitsPerByte", "tokens_per_s", "lossScale", "skipped"]);
const line = object(
  { arm: armName, seed: count },
  {
    kind: oneOf(["train", "evaluation", "preference", "failure"]),
    stage: oneOf(STAGES),
    step: count,
    message: long,
    ...Object.fromEntries(NUMBERS.map((field) => [field, measure])),
  },
);

const map = object({
  layer: whole({ max: RECORD_LIMITS.layers }),
  kind: oneOf(["global", "local"]),
  positions: whole({ min: 1, max: 2 ** 16 }),
  metaTokens: size,
  window: size,
  labels: list(text(), { max: 2 ** 16 }),
});

/** run.json. The configurations of its arms are checked and frozen. */
export function runRecordOf(value: unknown, path: string): RunRecord {
  record(value, path);
  const found = value as RunRecord;
  const checked = (given: readonly Arm[]) =>
    given.map(({ name, config }) => ({ name, config: new HymbaConfig(config as Partial<HymbaOptions>) }));
  const arms = checked(found.study.arms), probe = found.study.recall;
  if (new Set(arms.map(({ name }) => name)).size < arms.length) {
    refuse(`${path}.study.arms`, "arms with different names", found.study.arms);
  }
  const recall = probe && { recall: { ...probe, arms: checked(probe.arms) } };
  return { ...found, study: { ...found.study, arms, ...recall } };
}

/** A line of metrics.jsonl. */
export function metricsLineOf(value: Record<string, unknown>, path: string): MetricsLine {
  line(value, path);
  if (value.kind !== "failure") object({ kind: name, stage: name, step: count })(value, path);
  return value as unknown as MetricsLine;
}

/** What a file of attention maps says of its tensors. */
export function attentionMapsOf(value: unknown, path: string): Omit<AttentionMap, "probabilities" | "heads">[] {
  list(map, { max: RECORD_LIMITS.layers })(value, path);
  return value as Omit<AttentionMap, "probabilities" | "heads">[];
}
