/** The keys of both training stages, of the preference pairs, of the samples and of the recall probe. */
import {
  choice,
  either,
  flag,
  list,
  MODEL_DEFAULTS,
  number,
  RATE_SCALINGS,
  SCHEDULES,
  type ValueType,
  whole,
} from "../config/mod.ts";
import type { Key } from "./key.ts";
import { modelKeys } from "./model_keys.ts";

const COUNT = 2 ** 31;

const fromPreset = { from: ["preset"], how: "the value of the preset" };

/** A key that every preset sets. */
const given = (path: string, type: ValueType, meaning: string): Key => ({ path, type, meaning, follows: fromPreset });

/** Steps of the warm-up, or their share of all steps. */
const warmup = either(whole(COUNT, 0), number(0, 1));

/** A key with the same default in every preset. */
const usual = (path: string, type: ValueType, { is, meaning }: { is: number; meaning: string }): Key => ({
  path,
  type,
  meaning,
  usual: is,
});

const rateKeys = (stage: string): Key[] => [
  given(`${stage}.rate`, number(0, 1e3), "The largest learning rate. It is reached at the end of the warm-up."),
  given(
    `${stage}.warmup`,
    warmup,
    "Updates in which the rate rises from zero, or as a fraction below 1 their share. Never more than half of the steps.",
  ),
  {
    path: `${stage}.schedule`,
    type: choice(SCHEDULES),
    meaning: "How the rate falls after the warm-up. wsd: only in the last part of the steps.",
    usual: "cosine",
  },
  usual(`${stage}.cooldown`, number(0, 1), {
    is: 0.2,
    meaning: "wsd: the share of the steps at the end in which the rate falls to zero.",
  }),
  {
    path: `${stage}.rateScaling`,
    type: choice(RATE_SCALINGS),
    meaning: "Rates by group of parameters. width: matrices and embeddings have rate * rateWidth / dModel.",
    usual: "none",
  },
  usual(`${stage}.rateWidth`, whole(2 ** 17), {
    is: 64,
    meaning: "rateScaling width: the width of a model at which all parameters have the rate itself.",
  }),
];

const optimizerKeys = (stage: string): Key[] => [
  given(`${stage}.decay`, number(0, 1e3), "Weight decay of the matrices."),
  usual(`${stage}.beta1`, number(0, 0.99999), { is: 0.9, meaning: "AdamW: decay of the mean gradient." }),
  usual(`${stage}.beta2`, number(0, 0.99999), {
    is: 0.95,
    meaning: "AdamW: decay of the mean squared gradient.",
  }),
  usual(`${stage}.eps`, number(0, 1), { is: 1e-8, meaning: "AdamW: added to the root of the mean squared gradient." }),
  usual(`${stage}.clip`, number(0, 1e6), { is: 1, meaning: "A gradient with a larger norm is scaled to this." }),
];

/** Keys that both stages have. `each`: what one unit of a batch is. `steps`: what decides the steps unless they are given. */
const stageKeys = (stage: string, each: string, steps = fromPreset.how): Key[] => [
  {
    path: `${stage}.steps`,
    type: whole(COUNT),
    meaning: "Updates of the weights.",
    follows: { ...fromPreset, how: steps },
  },
  ...rateKeys(stage),
  ...optimizerKeys(stage),
  given(`${stage}.batch`, whole(2 ** 20), `${each} of one update.`),
  given(
    `${stage}.evaluateEvery`,
    whole(COUNT),
    "Updates from one evaluation to the next. The last update is always evaluated.",
  ),
  {
    path: `${stage}.checkpointEvery`,
    type: whole(COUNT),
    meaning: "Updates from one checkpoint to the next. The last update always has one.",
    follows: { from: [`${stage}.evaluateEvery`], how: "a checkpoint at each evaluation" },
  },
];

const accumulateKey = (stage: string): Key => ({
  path: `${stage}.accumulate`,
  type: whole(2 ** 20),
  meaning:
    "Number of parts of a batch that are computed one after another. Less memory, the same batches, sums in another order.",
  usual: 1,
});

export const PRETRAINING: readonly Key[] = [
  ...stageKeys("pretraining", "Sequences", "the value of the preset, or tokens, epochs or flops where given"),
  accumulateKey("pretraining"),
  {
    path: "pretraining.tokens",
    type: whole(Number.MAX_SAFE_INTEGER),
    meaning: "Text tokens to train on, instead of steps.",
    follows: { from: ["pretraining.steps"], how: "steps * batch * sequenceLength" },
  },
  {
    path: "pretraining.epochs",
    type: number(0, 1e9),
    meaning: "How often to train on the text, instead of steps. An epoch has every sequence of the training part once.",
    follows: { from: ["pretraining.steps"], how: "steps * batch / sequences of the training part" },
  },
  {
    path: "pretraining.flops",
    type: number(0, 1e30),
    meaning:
      "Floating-point operations of the training of each model, instead of steps. Each model has steps of its own.",
    follows: { from: ["pretraining.steps"], how: "steps * operations of an update of the model" },
  },
  {
    path: "pretraining.decayAt",
    type: list(whole(COUNT), { min: 1, max: 32, words: "a list of numbers of steps, all below steps" }),
    meaning: "wsd: additional shorter trainings of every model, which branch off where their rate falls.",
    follows: { from: [], how: "no shorter trainings" },
  },
];
export const ORPO: readonly Key[] = [...stageKeys("orpo", "Pairs"), accumulateKey("orpo")];

/** Keys of stage 1 that an arm can set. */
export const ARM_PRETRAINING: readonly Key[] = PRETRAINING.filter(({ path }) => !path.endsWith("decayAt")).map((
  { path, type, meaning },
) => ({
  path: `arms.*.${path}`,
  type,
  meaning,
  follows: { from: [path], how: path },
}));

export const PREFERENCE: readonly Key[] = [
  {
    path: "preference.loss",
    type: choice(["orpo", "seed"]),
    meaning: "The loss of the second stage: ORPO, or the rule of the documented notebook.",
    usual: "orpo",
  },
  { path: "preference.beta", type: number(0, 1e6), meaning: "Weight of the preference term.", usual: 0.1 },
  {
    path: "preference.rejected",
    type: choice(["sample", "corrupt"]),
    meaning: "Rejected continuations: sampled from the model of stage 1, or the true one with its tokens shuffled.",
    usual: "sample",
  },
  { path: "preference.temperature", type: number(0, 100), meaning: "Temperature of sampled continuations.", usual: 1 },
  { path: "preference.trainPairs", type: whole(2 ** 20), meaning: "Pairs for training.", usual: 64 },
  { path: "preference.heldOutPairs", type: whole(2 ** 20), meaning: "Pairs for evaluation.", usual: 32 },
  { path: "preference.promptTokens", type: whole(2 ** 16), meaning: "Tokens of a prompt.", usual: 64 },
  { path: "preference.completionTokens", type: whole(2 ** 16), meaning: "Tokens of a continuation.", usual: 64 },
];

export const SAMPLES: readonly Key[] = [
  { path: "samples.prompts", type: whole(10_000), meaning: "Prompts that every model continues.", usual: 3 },
  { path: "samples.promptTokens", type: whole(2 ** 16), meaning: "Tokens of a prompt.", usual: 32 },
  { path: "samples.newTokens", type: whole(2 ** 16), meaning: "Tokens that are sampled after a prompt.", usual: 100 },
  { path: "samples.temperature", type: number(0, 100), meaning: "Temperature of the samples.", usual: 0.8 },
  {
    path: "samples.topK",
    type: whole(2 ** 24),
    meaning: "Draw only from this many most likely tokens.",
    usual: 40,
  },
];

const distance = whole(2 ** 16, 2);

export const RECALL: readonly Key[] = [
  {
    path: "recall.probe",
    type: flag,
    meaning: "Run the recall probe of every model after both stages. Arms with a layer pattern are left out.",
    usual: true,
  },
  given("recall.steps", whole(COUNT), "Updates of the probe's own training."),
  given("recall.batch", whole(2 ** 20), "Sequences of one update."),
  given("recall.testBatches", whole(2 ** 20), "Batches of the test after training."),
  { path: "recall.keys", type: whole(2 ** 20), meaning: "Different keys.", usual: 16 },
  { path: "recall.values", type: whole(2 ** 20), meaning: "Different values.", usual: 16 },
  { path: "recall.fillers", type: whole(2 ** 20), meaning: "Different tokens without meaning.", usual: 1 },
  { path: "recall.length", type: whole(2 ** 20), meaning: "Tokens of a sequence.", usual: 40 },
  {
    path: "recall.ranges",
    type: list(list(distance, { min: 2, max: 2, words: "two distances" }), {
      min: 1,
      max: 64,
      words: "a list of [least, most] distances in tokens, even numbers",
    }),
    meaning: "Distances from a pair to its question, [least, most] in tokens, even numbers, ends included.",
    usual: [[2, 4], [6, 10], [12, 20], [22, 32]],
  },
  { path: "recall.perRange", type: whole(2 ** 16), meaning: "Questions of a sequence in each range.", usual: 2 },
  {
    path: "recall.evaluateEvery",
    type: whole(COUNT),
    meaning: "Updates between two evaluations of the accuracy, on other sequences than those of the test.",
    follows: { from: [], how: "no look before the end" },
  },
  {
    path: "recall.patience",
    type: whole(COUNT),
    meaning: "Training ends after this many evaluations without a better accuracy, or at 99 % right answers.",
    follows: { from: ["recall.evaluateEvery"], how: "training has all its steps" },
  },
  { path: "recall.rate", type: number(0, 1e3), meaning: "The largest learning rate.", usual: 1e-3 },
  { path: "recall.warmup", type: whole(COUNT, 0), meaning: "Updates in which the rate rises from zero.", usual: 20 },
  { path: "recall.decay", type: number(0, 1e3), meaning: "Weight decay of the matrices.", usual: 0.1 },
];

/**
 * Models of the probe: two layers, where an architecture has windows both of them or only the first. Two windows reach six
 * tokens back. One head as wide as the model: with two half as wide `transformer-global` learned nothing in 1200 steps.
 */
export const RECALL_MODEL: readonly Key[] = modelKeys("recall.model", {
  ...MODEL_DEFAULTS,
  vocabSize: undefined,
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
}, {
  vocabSize: { from: ["recall.keys", "recall.values", "recall.fillers"], how: "keys + values + fillers" },
});
