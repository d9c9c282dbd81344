/** The table of all keys of a study file: the one place that says what a study can be told. */
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
  text,
  whole,
} from "../config/mod.ts";
import { type Key, nameOf, type Section } from "./key.ts";
import { armKeys, modelKeys } from "./model_keys.ts";
import { SWEEP } from "./sweep_keys.ts";
import { ARM_PRETRAINING, ORPO, PREFERENCE, PRETRAINING, RECALL, RECALL_MODEL, SAMPLES } from "./training_keys.ts";

/** Names of arms are part of folder names. */
export const ARM_NAME = "[a-z0-9][a-z0-9_-]{0,63}";
const ARM_WORDS = "a name of small letters, digits, - and _";

const STUDY: readonly Key[] = [
  {
    path: "name",
    type: text("a name of at most 64 letters, digits, - and _", "[A-Za-z0-9][A-Za-z0-9_-]{0,63}"),
    meaning: "What figures and folders call this study.",
    follows: { from: ["preset"], how: "the name of the file, or of the preset where there is no file" },
  },
  {
    path: "preset",
    type: choice(PRESETS),
    meaning: "The study that gives every value that is not given here.",
    usual: "quick",
  },
  {
    path: "profile",
    type: choice(PROFILES),
    meaning: "A whole way of doing a study. seed: the documented study as it was.",
    follows: { from: [], how: "no profile" },
  },
  {
    path: "suite",
    type: choice(SUITES),
    meaning: "The models that are compared.",
    follows: { from: ["profile"], how: "arms, or seed with the profile seed" },
  },
  {
    path: "models",
    type: list(text(ARM_WORDS, ARM_NAME), { min: 1, max: 64, words: "a list of names of models" }),
    meaning: "Only these models. They may be of another suite, or arms of this file.",
    follows: { from: ["suite", "arms"], how: "all models of the suite, then the arms of this file" },
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
    meaning: "What all models get as much of in stage 1. parameters: of one size and as many tokens, as with match.",
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
    meaning: "How many trainings of each model, with the seeds 1, 2, 3, …, or a list of the seeds.",
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
    meaning: "Where every model ends: pretraining leaves out the second stage and its control.",
    usual: "orpo",
  },
  {
    path: "remat",
    type: flag,
    meaning: "Layers are computed again in the backward pass. Less memory, more time, the same bits.",
    usual: false,
  },
  {
    path: "precision",
    type: choice(PRECISIONS),
    meaning: "How activations wait for the backward pass.",
    follows: { from: ["preset"], how: "bf16 in paper on a GPU, f32 elsewhere" },
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
    meaning: "The texts in their order, from the folder of this file: plain, .gz or .zst; * and ? make a pattern.",
    follows: { from: [], how: "Tiny Shakespeare, or the text of --data" },
  },
  {
    path: "data.validationFiles",
    type: list(text("the path of a text, or a pattern with * and ?"), { min: 1, max: 10_000, words: PATHS }),
    meaning: "Texts for validation alone. Nothing of data.files is taken for it then.",
    follows: { from: ["data.trainFraction"], how: "a share of the text" },
  },
  {
    path: "data.testFiles",
    type: list(text("the path of a text, or a pattern with * and ?"), { min: 1, max: 10_000, words: PATHS }),
    meaning: "Texts that are read once, when all training is done.",
    follows: { from: ["data.testFraction"], how: "a share of the text, or no test part" },
  },
  {
    path: "data.tokenizer",
    type: text("the path of a .model or tokenizer.json, or bytes"),
    meaning: "A tokenizer to use, from the folder of this file, or bytes. It decides the size of the vocabulary.",
    follows: { from: [], how: "one is trained on the training part, with model.vocabSize" },
  },
  {
    path: "data.trainFraction",
    type: number(0.01, 0.99999),
    meaning: "The share of the text that is trained on. The rest is for validation, but for the test part.",
    usual: 0.9,
  },
  {
    path: "data.testFraction",
    type: number(0, 0.9),
    meaning: "The share of the text that is read once, when all training is done. 0: no test part.",
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
    meaning: "Characters that both neighbours lose where two different parts meet.",
    follows: { from: ["data.split"], how: "500 where the split is interleaved, else 0" },
  },
  {
    path: "data.characters",
    type: whole(Number.MAX_SAFE_INTEGER),
    meaning: "Only so many characters of the text are used, from its start.",
    follows: { from: [], how: "all of it" },
  },
];

const MODEL: readonly Key[] = [
  ...modelKeys("model"),
  {
    path: "model.ffnHiddenUnmatched",
    type: whole(2 ** 17),
    meaning: "F of all models where match is none and this differs from ffnHidden.",
    follows: { from: ["model.ffnHidden"], how: "model.ffnHidden" },
  },
];

/** All keys in the order in which a file shows them. */
export const SECTIONS: readonly Section[] = [
  { path: "", title: "The study", keys: STUDY },
  { path: "data", title: "The text", keys: DATA },
  { path: "model", title: "The model: what all arms have in common", keys: MODEL },
  { path: "pretraining", title: "Stage 1: predicting the next token", keys: PRETRAINING },
  { path: "orpo", title: "Stage 2: preference optimisation", keys: ORPO },
  { path: "preference", title: "The pairs and the loss of stage 2", keys: PREFERENCE },
  { path: "samples", title: "Samples that are drawn after each stage", keys: SAMPLES },
  { path: "recall", title: "The recall probe", keys: RECALL },
  { path: "recall.model", title: "The small model of the recall probe", keys: RECALL_MODEL },
  { path: "sweep", title: "What hymba sweep tries", keys: SWEEP },
  { path: "arms.*", title: "An arm of your own: a name, where it starts from, and what it changes", keys: armKeys() },
  { path: "arms.*.pretraining", title: "What an arm of your own has of its own in stage 1", keys: ARM_PRETRAINING },
];

export const KEYS: readonly Key[] = SECTIONS.flatMap(({ keys }) => keys);

const BY_PATH = new Map(KEYS.map((key) => [key.path, key]));

/** The key that a dotted path names, with the name of an arm for `*`; undefined where there is none. */
export function keyAt(path: string): Key | undefined {
  const [first, name, ...rest] = path.split(".");
  return BY_PATH.get(
    first === "arms" && name !== undefined && rest.length > 0 ? ["arms", "*", ...rest].join(".") : path,
  );
}

/** The keys whose value follows from this one where nobody gives it. */
export const followersOf = (path: string): readonly Key[] =>
  KEYS.filter(({ follows }) => follows?.from.some((one) => one === path));

/** The keys whose last part is this name, nearest to the top of the file. */
export function keysNamed(name: string): Key[] {
  const found = KEYS.filter((key) => nameOf(key.path) === name && !key.path.includes("*"));
  const depths = found.map(({ path }) => path.split(".").length), least = Math.min(...depths);
  return found.filter((_, i) => depths[i] === least);
}
