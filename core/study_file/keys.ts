/** The table of all keys of a study file. */
import {
  choice,
  either,
  EQUIVALENCE_MARGIN,
  flag,
  list,
  number,
  PRECISIONS,
  PRESETS,
  PROFILES,
  SPLITS,
  SUITES,
  TENSOR_CORES,
  text,
  whole,
} from "../config/mod.ts";
import { type Key, nameOf, type Section } from "./key.ts";
import { armKeys, modelKeys } from "./model_keys.ts";
import { SWEEP } from "./sweep_keys.ts";
import { ARM_PRETRAINING, ORPO, PREFERENCE, PRETRAINING, RECALL, RECALL_MODEL, SAMPLES } from "./training_keys.ts";

/** Names of arms are part of folder names. */
export const ARM_NAME = "[a-z0-9][a-z0-9_-]{0,63}";
/** What {@link ARM_NAME} allows, in words. */
export const ARM_WORDS = "a name of at most 64 small letters, digits, - and _, the first one a letter or a digit";

const STUDY: readonly Key[] = [
  {
    path: "name",
    type: text("a name of at most 64 letters, digits, - and _", "[A-Za-z0-9][A-Za-z0-9_-]{0,63}"),
    meaning: "The name of this study in figures and folders.",
    follows: { from: ["preset"], how: "the name of the file, or of the preset without a file" },
  },
  {
    path: "preset",
    type: choice(PRESETS),
    meaning: "The preset that supplies every value that is not given here.",
    usual: "quick",
  },
  {
    path: "profile",
    type: choice(PROFILES),
    meaning: "A complete alternative setting. seed: the documented study as it was.",
    follows: { from: [], how: "no profile" },
  },
  {
    path: "suite",
    type: choice(SUITES),
    meaning: "The compared models.",
    follows: { from: ["profile"], how: "arms, or seed with the profile seed" },
  },
  {
    path: "models",
    type: list(text(ARM_WORDS, ARM_NAME), { min: 1, max: 64, words: "a list of names of models" }),
    meaning: "Only these models. They may be of another suite, or arms of this file.",
    follows: { from: ["suite", "arms.*.from"], how: "all models of the suite, then the arms of this file" },
  },
  {
    path: "match",
    type: choice(["parameters", "none"]),
    meaning: "Whether the feed-forward widths give every model the number of parameters of hymba.",
    follows: {
      from: ["preset", "suite", "profile"],
      how: "parameters in small, paper, factorial, roadmap, fusion and decompose",
    },
  },
  {
    path: "budget",
    type: choice(["tokens", "flops", "seconds", "parameters"]),
    meaning: "What is equal for all models in stage 1. parameters: equal size and equal tokens, as with match.",
    usual: "tokens",
  },
  {
    path: "equivalenceMargin",
    type: number(0, 100),
    meaning: "Nats per token below which a difference does not matter: models are called equal only within it.",
    usual: EQUIVALENCE_MARGIN,
  },
  {
    path: "seeds",
    type: either(
      whole(10_000),
      list(whole(2 ** 31, 0), { min: 1, max: 10_000, words: "a list of different whole numbers from 0 to 2147483648" }),
    ),
    meaning: "The number of trainings of each model, with the seeds 1, 2, 3, …, or a list of seeds.",
    follows: { from: ["preset"], how: "the value of the preset" },
  },
  {
    path: "sequenceLength",
    type: whole(2 ** 20),
    meaning: "T: text tokens of a sequence.",
    follows: { from: ["preset"], how: "the value of the preset" },
  },
  {
    path: "lastStage",
    type: choice(["pretraining", "orpo"]),
    meaning: "The last stage. pretraining: without the second stage and its control.",
    usual: "orpo",
  },
  {
    path: "remat",
    type: flag,
    meaning: "Recompute layers in the backward pass. Less memory, more time, the same bits.",
    usual: false,
  },
  {
    path: "precision",
    type: choice(PRECISIONS),
    meaning: "The format of activations that are saved for the backward pass.",
    follows: { from: ["preset"], how: "bf16 in paper on a GPU, f32 elsewhere" },
  },
  {
    path: "tensorCores",
    type: choice(TENSOR_CORES),
    meaning: "Whether tensor cores make the products of precision f16: auto is off until they were measured on GPUs.",
    usual: "auto",
  },
];

const PATHS = "a list of paths and patterns, or one name of a known corpus";

const DATA: readonly Key[] = [
  {
    path: "data.files",
    type: list(text("the path of a text, or a pattern with * and ?"), {
      min: 1,
      max: 10_000,
      words: PATHS,
    }),
    meaning:
      "The texts in their order, from the folder of this file: plain, .gz or .zst. * and ? match files, sorted by name.",
    follows: { from: [], how: "Tiny Shakespeare, or the text of --data" },
  },
  {
    path: "data.validationFiles",
    type: list(text("the path of a text, or a pattern with * and ?"), { min: 1, max: 10_000, words: PATHS }),
    meaning: "Texts only for validation. Then no part of data.files is used for it.",
    follows: { from: ["data.trainFraction"], how: "a share of the text" },
  },
  {
    path: "data.testFiles",
    type: list(text("the path of a text, or a pattern with * and ?"), { min: 1, max: 10_000, words: PATHS }),
    meaning: "Texts for a single evaluation after all training.",
    follows: { from: ["data.testFraction"], how: "a share of the text, or no test part" },
  },
  {
    path: "data.tokenizer",
    type: text("the path of a .model or tokenizer.json, or bytes"),
    meaning: "A tokenizer to use, from the folder of this file, or bytes. It determines the size of the vocabulary.",
    follows: { from: [], how: "one is trained on the training part, with model.vocabSize" },
  },
  {
    path: "data.trainFraction",
    type: number(0.01, 0.99999),
    meaning: "The share of the text for training. The rest is for validation, except the test part.",
    usual: 0.9,
  },
  {
    path: "data.testFraction",
    type: number(0, 0.9),
    meaning: "The share of the text for a single evaluation after all training. 0: no test part.",
    usual: 0,
  },
  {
    path: "data.split",
    type: choice(SPLITS),
    meaning:
      "contiguous: training, validation, test, one after the other. interleaved: blocks of all parts from the whole text.",
    usual: "contiguous",
  },
  {
    path: "data.blockCharacters",
    type: whole(2 ** 31),
    meaning: "interleaved: characters of a block; fewer in a short text, so that every part has one.",
    usual: 10_000,
  },
  {
    path: "data.gapCharacters",
    type: whole(2 ** 31, 0),
    meaning: "Characters that both neighbours lose at the border between two parts.",
    follows: { from: ["data.split"], how: "500 if the split is interleaved, else 0" },
  },
  {
    path: "data.characters",
    type: whole(Number.MAX_SAFE_INTEGER),
    meaning: "Use only this many characters from the start of the text.",
    follows: { from: [], how: "all of it" },
  },
];

const MODEL: readonly Key[] = [
  ...modelKeys("model"),
  {
    path: "model.ffnHiddenUnmatched",
    type: whole(2 ** 17),
    meaning: "F of all models if match is none and this differs from ffnHidden.",
    follows: { from: ["model.ffnHidden"], how: "model.ffnHidden" },
  },
];

/** All keys in the order in which a file shows them. */
export const SECTIONS: readonly Section[] = [
  { path: "", title: "The study", keys: STUDY },
  { path: "data", title: "The text", keys: DATA },
  { path: "model", title: "The model: values of all arms", keys: MODEL },
  { path: "pretraining", title: "Stage 1: predicting the next token", keys: PRETRAINING },
  { path: "orpo", title: "Stage 2: preference optimisation", keys: ORPO },
  { path: "preference", title: "The pairs and the loss of stage 2", keys: PREFERENCE },
  { path: "samples", title: "Samples that are drawn after each stage", keys: SAMPLES },
  { path: "recall", title: "The recall probe", keys: RECALL },
  { path: "recall.model", title: "The small model of the recall probe", keys: RECALL_MODEL },
  { path: "sweep", title: "The values that hymba sweep tries", keys: SWEEP },
  { path: "arms.*", title: "Your own arm: a name, the model it starts from, and its changes", keys: armKeys() },
  { path: "arms.*.pretraining", title: "Own values of your arm in stage 1", keys: ARM_PRETRAINING },
];

export const KEYS: readonly Key[] = SECTIONS.flatMap(({ keys }) => keys);

const BY_PATH = new Map(KEYS.map((key) => [key.path, key]));

/** The key of a dotted path, with the name of an arm for `*`; undefined if there is none. */
export function keyAt(path: string): Key | undefined {
  const [first, name, ...rest] = path.split(".");
  return BY_PATH.get(
    first === "arms" && name !== undefined && rest.length > 0 ? ["arms", "*", ...rest].join(".") : path,
  );
}

/** The keys whose last part is this name, nearest to the top of the file. */
export function keysNamed(name: string): Key[] {
  const found = KEYS.filter((key) => nameOf(key.path) === name && !key.path.includes("*"));
  const depths = found.map(({ path }) => path.split(".").length), least = Math.min(...depths);
  return found.filter((_, i) => depths[i] === least);
}
