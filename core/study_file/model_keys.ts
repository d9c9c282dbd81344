/** The keys of a model: one for each field of a configuration, below `model`, `recall.model` and each arm. */
import { FIELD_TYPES, type HymbaOptions, MODEL_DEFAULTS, type Value } from "../config/mod.ts";
import type { Key } from "./key.ts";

type Field = keyof HymbaOptions;

/** The meaning of each field, and how its default is computed. */
const FIELDS: Readonly<Record<Field, { meaning: string; from?: readonly Field[]; how?: string }>> = {
  vocabSize: { meaning: "V: tokens in the vocabulary." },
  dModel: { meaning: "D: width of the residual stream." },
  nLayers: { meaning: "Number of layers. Each has a mixer and a feed-forward part." },
  nHeads: { meaning: "H: query heads." },
  nKvHeads: { meaning: "G: key and value heads. H is a multiple of G." },
  headDim: {
    meaning: "K: width of a query and key head, an even number.",
    from: ["dModel", "nHeads"],
    how: "dModel / nHeads",
  },
  archType: { meaning: "The architecture of the layers.", how: "that of each arm" },
  layers: {
    meaning:
      "A letter for each layer: h parallel, l parallel with a window, m Mamba, g attention, w attention with a window. 3m or 2(m g) repeats, m* fills the model, 7m:g fills it in that ratio.",
    how: "the layers of the architecture",
  },
  windowed: {
    meaning: "Attention layers outside globalAttnIndices see a window.",
    from: ["archType"],
    how: "true in hymba and transformer-local",
  },
  globalAttnIndices: {
    meaning: "Layers with full attention; the others have a window. The first layer is 0.",
    from: ["nLayers"],
    how: "the first, the middle and the last layer",
  },
  useMetaTokens: {
    meaning: "Learned tokens before the text.",
    from: ["archType"],
    how: "true in both hybrids",
  },
  numMetaTokens: { meaning: "M: the number of meta tokens, if they are used." },
  useKvSharing: {
    meaning: "Neighbouring layers with a window share keys and values.",
    from: ["archType", "branchWidth"],
    how: "true in hymba and transformer-local without a branchWidth",
  },
  kvGroups: {
    meaning: "The layers of each sharing group, the owner first.",
    from: ["windowed", "globalAttnIndices", "oddGroup"],
    how: "pairs of neighbouring layers with a window",
  },
  swaWindow: { meaning: "W: keys that a query of a layer with a window sees, including its own." },
  ffnHidden: {
    meaning: "F: hidden width of the SwiGLU part.",
    from: ["dModel"],
    how: "8 / 3 of dModel, rounded to a whole number",
  },
  mambaExpand: { meaning: "I / D: channels of the Mamba branch per channel of the stream. I is a whole number." },
  stateSize: { meaning: "N: states of a channel." },
  convKernel: { meaning: "Taps of the causal convolution of the Mamba branch." },
  state: { meaning: "off: the Mamba branch is its convolution and its gate, without the selective scan." },
  attentionConv: { meaning: "Taps of a causal convolution on queries, keys and values. 0: none." },
  dtRank: { meaning: "R: rank of the step size.", from: ["dModel"], how: "dModel / 16, rounded up" },
  branchWidth: {
    meaning: "0: one projection for both branches. More: each branch has projections into this width and back.",
  },
  innerNorms: {
    meaning: "RMSNorm on the step size, B and C inside the Mamba branch.",
    from: ["archType"],
    how: "true in hymba",
  },
  fusion: { meaning: "How attention and Mamba of one layer are joined." },
  separateOutputs: { meaning: "In layers with both branches, each branch has its own output projection." },
  valueHeadDim: {
    meaning: "Width of a value head.",
    from: ["archType", "separateOutputs", "dModel", "mambaExpand", "nHeads", "headDim"],
    how: "mambaExpand * dModel / nHeads in hymba with one output projection, headDim in the others",
  },
  oddGroup: {
    meaning: "The odd layer of a run of sharing layers: in a group of three, or alone.",
    from: ["archType"],
    how: "triple in hymba, single in the others",
  },
  ropeBase: { meaning: "Base of the rotary angles." },
  normEps: { meaning: "Added to the mean square in RMSNorm." },
  initDeviation: {
    meaning: "Standard deviation of linear and embedding weights at the start.",
    from: ["dModel"],
    how: "1 / √dModel, at least 0.02; with the profile seed 0.02",
  },
  metaInit: { meaning: "Meta tokens at the start: N(0, 1), or the deviation of the embeddings." },
  stepInit: { meaning: "Step sizes at the start: Mamba's 0.001 to 0.1, or a bias of zero." },
  mambaInit: {
    meaning:
      "The Mamba branch's projections at the start: N(0, initDeviation), or U(±1/√inputs) as in state-spaces/mamba.",
  },
  outputInit: {
    meaning: "Projections back into the stream at the start: smaller by √(2 · layers), or like all others.",
  },
  fusionInit: { meaning: "Start of the weights of the branch norms of fusion mean. 1 as published." },
};

/** The fields whose default follows from a field, and how. */
export const fieldsFrom = (name: string): { field: string; how: string }[] =>
  Object.entries(FIELDS).flatMap(([field, { from, how = "" }]) =>
    from?.some((one) => one === name) ? [{ field, how }] : []
  );

const FIELD_NAMES = Object.keys(FIELDS) as Field[];

/** Fields that all arms can share: all except the architecture and the layers. */
const COMMON = FIELD_NAMES.filter((field) => field !== "archType" && field !== "layers");

/** A key for each field below `prefix`. `usual`: default values. `follows`: how a default follows from other keys. */
export function modelKeys(
  prefix: string,
  usual: Readonly<Partial<Record<Field, Value>>> = MODEL_DEFAULTS,
  follows: Readonly<Partial<Record<Field, Key["follows"]>>> = {},
): Key[] {
  return COMMON.map((field) => {
    const { meaning, from = [], how } = FIELDS[field], path = `${prefix}.${field}`;
    const own = usual[field], key = { path, type: FIELD_TYPES[field], meaning };
    if (own !== undefined) return { ...key, usual: own };
    if (follows[field]) return { ...key, follows: follows[field] };
    return {
      ...key,
      follows: {
        from: from.filter((name) => name !== "archType").map((name) => `${prefix}.${name}`),
        how: how ?? "the value of the preset",
      },
    };
  });
}

/** The keys of an arm of the file: every field of `model` may differ in it. */
export const armKeys = (): Key[] => [
  {
    path: "arms.*.from",
    type: { kind: "text", words: "the name of a model of a suite, or of another arm of the file" },
    meaning: "The model that this arm starts from. Its other fields are changes of it.",
    follows: { from: [], how: "the model of the same name, or hymba" },
  },
  // The vocabulary belongs to the text of the whole study.
  ...FIELD_NAMES.filter((field) => field !== "vocabSize").map((field): Key => ({
    path: `arms.*.${field}`,
    type: FIELD_TYPES[field],
    meaning: FIELDS[field].meaning,
    follows: COMMON.some((one) => one === field)
      ? { from: ["arms.*.from", `model.${field}`], how: `that of the model in from, else model.${field}` }
      : { from: ["arms.*.from"], how: "that of the model in from" },
  })),
];
