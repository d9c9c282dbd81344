/** What depends on a key besides the defaults that follow from it: values that it decides, limits, and keys that it needs. */
import { PRESETS } from "../config/mod.ts";
import { nameOf, tableOf } from "./key.ts";
import { KEYS } from "./keys.ts";
import { fieldsFrom } from "./model_keys.ts";
import { presetValues } from "./precedence.ts";

/** A key that depends on another one, and how, in words. */
export interface Dependent {
  /** A path, or with a last part `*` all keys of a table. */
  readonly key: string;
  readonly how: string;
}

/** By key: other keys, and how they depend on it. */
type Rules = Readonly<Record<string, Readonly<Record<string, string>>>>;

const STUDY: Rules = {
  profile: {
    preset: "without one, a study with a profile has paper",
    suite: "has to be that of the profile",
    match: "has to be none",
    "preference.loss": "is that of the profile",
    "model.ffnHidden": "4 * dModel unless given",
    "model.initDeviation": "0.02 unless given",
    "data.tokenizer": "not with a profile",
    "data.split": "not with a profile",
    "data.testFraction": "not with a profile",
    "data.gapCharacters": "not with a profile",
    "data.validationFiles": "not with a profile",
    "data.testFiles": "not with a profile",
  },
  models: { "sweep.over": "its keys of arms have to be of these" },
  match: {
    "model.ffnHidden": "parameters: only hymba has it; all others get a width of their own",
    "model.ffnHiddenUnmatched": "only with none",
    "arms.*.ffnHidden": "not with parameters",
  },
  budget: {
    match: "parameters makes it parameters",
    "pretraining.steps": "flops and seconds: only the first model has them; all others get as many as cost the same",
    "pretraining.warmup": "flops and seconds: keeps its share of the steps of each model",
    "pretraining.evaluateEvery": "flops and seconds: keeps its share of the steps of each model",
    "pretraining.flops": "not with seconds",
    "pretraining.decayAt": "not with flops or seconds",
    "sweep.over": "no sweep with seconds",
  },
  seeds: { "sweep.seeds": "hymba ablate --tuned refuses a seed that the sweep had" },
  sequenceLength: {
    "pretraining.tokens": "steps = tokens / (batch * sequenceLength)",
    "pretraining.epochs": "the sequences of the training part",
    "pretraining.flops": "the operations of an update",
    "data.files": "every part of the text needs two tokens more than a sequence",
    "data.blockCharacters": "interleaved: a block needs two tokens more than a sequence",
  },
  lastStage: {
    "orpo.*": "not used with pretraining",
    "preference.*": "not used with pretraining",
  },
  precision: {
    tensorCores: "on only with f16",
    "pretraining.rateScaling": "only none with f16",
    "orpo.rateScaling": "only none with f16",
    "arms.*.pretraining.rateScaling": "only none with f16",
  },
};

const DATA: Rules = {
  "data.files": {
    "pretraining.epochs": "the sequences of the training part",
    "model.vocabSize": "at most what the training part supports",
  },
  "data.characters": {
    "pretraining.epochs": "the sequences of the training part",
    "model.vocabSize": "at most what the training part supports",
  },
  "data.validationFiles": { "data.trainFraction": "not together with it" },
  "data.testFiles": { "data.testFraction": "not together with it" },
  "data.tokenizer": { "model.vocabSize": "is that of the tokenizer" },
  "data.trainFraction": {
    "data.testFraction": "their sum is below 1",
    "pretraining.epochs": "the sequences of the training part",
  },
  "data.testFraction": { "data.trainFraction": "their sum is below 1" },
  "data.split": {
    "data.blockCharacters": "used only with interleaved",
    "pretraining.epochs": "the sequences of the training part",
  },
  "data.gapCharacters": { "data.blockCharacters": "interleaved: more than twice data.gapCharacters" },
};

/** Of a model, below `model`, `arms.*` and `recall.model`. */
const MODEL: Rules = {
  dModel: { mambaExpand: "mambaExpand * dModel is a whole number" },
  nLayers: { globalAttnIndices: "layers below nLayers", kvGroups: "layers below nLayers" },
  nHeads: { nKvHeads: "divides nHeads" },
  nKvHeads: { nHeads: "a multiple of nKvHeads" },
  windowed: { swaWindow: "used only in layers with a window" },
  useMetaTokens: { numMetaTokens: "used only with true", metaInit: "used only with true" },
  useKvSharing: { kvGroups: "used only with true", oddGroup: "used only with true" },
  kvGroups: { oddGroup: "not used where the groups are given" },
  initDeviation: { metaInit: "embedding: the deviation" },
  state: { stateSize: "not used with off", branchWidth: "only 0 with off" },
  branchWidth: {
    fusion: "sum or gate where it is above 0",
    useKvSharing: "false where it is above 0",
    separateOutputs: "false where it is above 0",
    state: "on where it is above 0",
    valueHeadDim: "headDim where it is above 0",
  },
  fusion: {
    fusionInit: "used only with mean",
    separateOutputs: "not with concat",
    branchWidth: "above 0 only with sum or gate",
  },
  separateOutputs: { fusion: "not concat with true" },
};

const ARMS: Rules = {
  "model.nLayers": { "arms.*.layers": "has so many letters, or fills so many layers" },
  "arms.*.layers": {
    "arms.*.nLayers": "is the number of letters, if nothing fills",
    "arms.*.archType": "is decided by the pattern",
    "arms.*.windowed": "is decided by the pattern",
    "arms.*.globalAttnIndices": "is decided by the pattern",
    "arms.*.useMetaTokens": "without a value: follows from the letters",
    "arms.*.useKvSharing": "without a value: follows from the letters",
    "arms.*.innerNorms": "without a value: follows from the letters",
    "arms.*.oddGroup": "without a value: follows from the letters",
    "arms.*.valueHeadDim": "without a value: follows from the letters",
    "recall.probe": "leaves arms with a pattern out",
  },
  "arms.*.nLayers": { "arms.*.layers": "has so many letters, or fills so many layers" },
};

/** Of a stage, below `pretraining`, `arms.*.pretraining` and `orpo`. */
const STAGE: Rules = {
  steps: {
    warmup: "at most half of the steps; a fraction is a share of them",
    evaluateEvery: "at most the steps",
    checkpointEvery: "at most the steps",
    decayAt: "numbers below the steps",
  },
  tokens: { steps: "instead of them" },
  epochs: { steps: "instead of them", decayAt: "not with epochs" },
  flops: { steps: "instead of them", decayAt: "not with flops" },
  batch: {
    accumulate: "divides the batch",
    tokens: "steps = tokens / (batch * sequenceLength)",
    epochs: "steps = epochs * sequences / batch",
    flops: "the operations of an update",
  },
  warmup: { decayAt: "numbers of at least twice the warm-up" },
  schedule: { cooldown: "used only with wsd", decayAt: "only with wsd" },
  cooldown: { decayAt: "a shorter training branches off where its rate falls" },
  rateScaling: { rateWidth: "used only with width" },
};

const TRAINING: Rules = {
  "pretraining.batch": {
    "arms.*.pretraining.steps": "an arm with its own batch gets as many tokens, unless it has steps",
  },
  "arms.*.pretraining.batch": { "arms.*.pretraining.steps": "as many tokens as the others, unless it has steps" },
  "model.dModel": { "pretraining.rateWidth": "width: the rate is rate * rateWidth / dModel" },
  "preference.rejected": { "preference.temperature": "used only with sample" },
  "preference.loss": { "orpo.batch": "seed: sequences of the text instead of pairs" },
};

const RECALL: Rules = {
  "recall.probe": { "recall.*": "not used with false", "recall.model.*": "not used with false" },
  "recall.ranges": {
    "recall.keys": "at least one for each question of a sequence",
    "recall.length": "at least four tokens for each question",
  },
  "recall.perRange": {
    "recall.keys": "at least one for each question of a sequence",
    "recall.length": "at least four tokens for each question",
  },
  "recall.length": { "recall.ranges": "distances below it" },
  "sweep.over": {
    "sweep.seeds": "not used without keys to sweep",
    "sweep.perArm": "not used without keys to sweep",
    "sweep.extend": "not used without keys to sweep",
  },
  "recall.evaluateEvery": { "recall.patience": "only together with it" },
};

const PATHS = new Set(KEYS.map(({ path }) => path));

/** Rules of a table as rules of the keys below `prefix`, as far as they exist there. */
const below = (prefix: string, rules: Rules): Rules =>
  Object.fromEntries(
    Object.entries(rules).filter(([key]) => PATHS.has(`${prefix}.${key}`)).map(([key, others]) => [
      `${prefix}.${key}`,
      Object.fromEntries(
        Object.entries(others).map(([other, how]) => [`${prefix}.${other}`, how]).filter(([other = ""]) =>
          PATHS.has(other)
        ),
      ),
    ]),
  );

const TABLES: readonly Rules[] = [
  STUDY,
  DATA,
  ...["model", "arms.*", "recall.model"].map((table) => below(table, MODEL)),
  ARMS,
  ...["pretraining", "arms.*.pretraining", "orpo"].map((table) => below(table, STAGE)),
  TRAINING,
  RECALL,
];

/** The keys that some preset gives. */
const keysOfPresets = (): Set<string> => new Set(PRESETS.flatMap((preset) => [...presetValues(preset).keys()]));

/** Defaults of an arm that follow from one of its own fields. */
const inArm = (path: string): [key: string, how: string][] =>
  tableOf(path) === "arms.*"
    ? fieldsFrom(nameOf(path)).map(({ field, how }) => [`arms.*.${field}`, `without a value: ${how}`])
    : [];

/** What depends on a key: first the keys whose default follows from it, then the rules. */
export function dependentsOf(path: string): Dependent[] {
  const found = new Map<string, string>(inArm(path));
  for (const { path: key, follows } of KEYS) {
    if (follows?.from.includes(path)) found.set(key, `without a value: ${follows.how}`);
  }
  for (const key of path === "preset" ? keysOfPresets() : []) {
    if (!found.has(key)) found.set(key, "without a value: that of the preset, if it has one");
  }
  for (const rules of TABLES) {
    for (const [key, how] of Object.entries(rules[path] ?? {})) {
      const before = found.get(key);
      found.set(key, before === undefined ? how : `${before}; ${how}`);
    }
  }
  return [...found].map(([key, how]) => ({ key, how }));
}
