/** The configuration of a model: plain frozen values with the names of the documented study, and one validator. */
import { UsageError } from "../errors.ts";

/** The five architectures of the study. */
export const ArchType = {
  MAMBA: "mamba",
  TRANSFORMER_GLOBAL: "transformer-global",
  TRANSFORMER_LOCAL: "transformer-local",
  /** Attention and Mamba layers in turn: the literal 50/50. */
  HYBRID_SEQUENTIAL: "hybrid-sequential",
  /** Parallel attention and Mamba heads in every layer: Hymba. */
  HYBRID: "hymba",
} as const;
export type ArchType = typeof ArchType[keyof typeof ArchType];

export const ARCH_TYPES: readonly ArchType[] = Object.values(ArchType);

/** The fields of a configuration, with the names of the documented study in camelCase. */
export interface HymbaOptions {
  /** V: tokens in the vocabulary. */
  vocabSize: number;
  /** D: width of the residual stream. */
  dModel: number;
  nLayers: number;
  /** H: query heads. */
  nHeads: number;
  /** G: key and value heads; H is a multiple. */
  nKvHeads: number;
  /** K: width of a query and key head, an even number. Default: D / H. */
  headDim: number;
  archType: ArchType;
  /** Layers with full attention in `hymba`. Default: first, middle, last. */
  globalAttnIndices: readonly number[];
  /** Learned tokens in front of the text. Default: in both hybrids. */
  useMetaTokens: boolean;
  /** M. */
  numMetaTokens: number;
  /** Consecutive local layers share keys and values. Default: `hymba` and `transformer-local`. */
  useKvSharing: boolean;
  /** The layers of each sharing group, the owner first. Default: pairs of local layers, see `oddGroup`. */
  kvGroups: readonly (readonly number[])[] | undefined;
  /** W: keys that a query of a local layer sees, itself included. */
  swaWindow: number;
  /** F: hidden width of the SwiGLU part. Default: 8/3 · D, rounded to a whole number. */
  ffnHidden: number;
  /** I / D for the Mamba branch; I has to be a whole number. */
  mambaExpand: number;
  /** N: states per channel. */
  stateSize: number;
  /** Taps of the causal convolution. */
  convKernel: number;
  /** R: rank of the step size. Default: D / 16, rounded up. */
  dtRank: number;
  /** RMSNorm on dt, B and C inside the Mamba branch. Default: in `hymba`. */
  innerNorms: boolean;
  /** Width of a value head. Default: I / H in `hymba`, D / H elsewhere. */
  valueHeadDim: number;
  /** What becomes of the odd layer of a run of local layers: one group of three, or one alone. */
  oddGroup: "triple" | "single";
  ropeBase: number;
  normEps: number;
  /** Standard deviation of linear and embedding weights at the start. */
  initDeviation: number;
  /** Meta tokens at the start: N(0, 1) as published, or the deviation of the embeddings. */
  metaInit: "normal" | "embedding";
}

const isHybrid = (arch: ArchType) => arch === ArchType.HYBRID || arch === ArchType.HYBRID_SEQUENTIAL;

function defaults(given: Partial<HymbaOptions>): HymbaOptions {
  const archType = given.archType ?? ArchType.HYBRID;
  const dModel = given.dModel ?? 512, nLayers = given.nLayers ?? 15, nHeads = given.nHeads ?? 8;
  const mambaExpand = given.mambaExpand ?? 2, headDim = given.headDim ?? dModel / nHeads;
  const parallel = archType === ArchType.HYBRID;
  const useMetaTokens = given.useMetaTokens ?? isHybrid(archType);
  return {
    vocabSize: 4000,
    nKvHeads: 4,
    globalAttnIndices: [...new Set([0, Math.floor(nLayers / 2), nLayers - 1])],
    numMetaTokens: 64,
    useKvSharing: parallel || archType === ArchType.TRANSFORMER_LOCAL,
    kvGroups: undefined,
    swaWindow: 128,
    ffnHidden: Math.round(dModel * 8 / 3),
    stateSize: 16,
    convKernel: 4,
    dtRank: Math.ceil(dModel / 16),
    innerNorms: parallel,
    valueHeadDim: parallel ? mambaExpand * dModel / nHeads : headDim,
    oddGroup: parallel ? "triple" : "single",
    ropeBase: 10000,
    normEps: 1e-6,
    initDeviation: 0.02,
    metaInit: "normal",
    ...given,
    archType,
    dModel,
    nLayers,
    nHeads,
    headDim,
    mambaExpand,
    useMetaTokens,
  };
}

const WHOLE = [
  "vocabSize",
  "dModel",
  "nLayers",
  "nHeads",
  "nKvHeads",
  "swaWindow",
  "ffnHidden",
  "stateSize",
  "convKernel",
  "dtRank",
] as const;

function fail(what: string, expected: string, got: unknown): never {
  throw new UsageError(`configuration: ${what}`, { expected, got: String(got) });
}

function validate(options: HymbaOptions): void {
  if (!ARCH_TYPES.includes(options.archType)) fail("unknown archType", ARCH_TYPES.join(", "), options.archType);
  for (const name of WHOLE) {
    if (!Number.isInteger(options[name]) || options[name] < 1) {
      fail(name, "a whole number of at least 1", options[name]);
    }
  }
  if (!Number.isInteger(options.numMetaTokens) || options.numMetaTokens < 0) {
    fail("numMetaTokens", "a whole number", options.numMetaTokens);
  }
  const { nHeads, nKvHeads, globalAttnIndices, nLayers } = options;
  if (nHeads % nKvHeads !== 0) fail("nHeads", `a multiple of nKvHeads (${nKvHeads})`, nHeads);
  if (globalAttnIndices.some((i) => !Number.isInteger(i) || i < 0 || i >= nLayers)) {
    fail("globalAttnIndices", `layers from 0 to ${nLayers - 1}`, `[${globalAttnIndices}]`);
  }
  validateWidths(options);
  validateGroups(options);
}

function validateWidths({ dModel, nHeads, headDim, valueHeadDim, mambaExpand, archType }: HymbaOptions): void {
  if (!(headDim >= 2) || headDim % 2 !== 0) {
    fail("headDim", `an even number (dModel / nHeads = ${dModel} / ${nHeads} unless given)`, headDim);
  }
  const inner = mambaExpand * dModel;
  if (!(inner >= 1) || Math.abs(inner - Math.round(inner)) > 1e-9) {
    fail("mambaExpand", `a whole number of channels, mambaExpand · dModel = ${inner}`, mambaExpand);
  }
  if (archType === ArchType.HYBRID && valueHeadDim * nHeads !== Math.round(inner)) {
    fail(
      "valueHeadDim",
      `mambaExpand · dModel / nHeads = ${inner / nHeads}, the width of the Mamba branch`,
      valueHeadDim,
    );
  }
  if (!Number.isInteger(valueHeadDim) || valueHeadDim < 1) {
    fail("valueHeadDim", "a whole number of at least 1", valueHeadDim);
  }
}

/** A group's layers ascend, exist, and are in no other group. */
function validateGroups({ kvGroups = [], nLayers }: HymbaOptions): void {
  const all = kvGroups.flat(),
    ascend = (group: readonly number[]) => group.every((i, at) => at === 0 || group[at - 1]! < i);
  if (
    kvGroups.every(ascend) && new Set(all).size === all.length &&
    all.every((i) => Number.isInteger(i) && i >= 0 && i < nLayers)
  ) return;
  fail(
    "kvGroups",
    `ascending groups of layers from 0 to ${nLayers - 1}, each layer at most once`,
    JSON.stringify(kvGroups),
  );
}

/**
 * A checked, frozen configuration. What is not given follows the documented setting (15 layers, D 512, 8 / 4 heads, global
 * attention in layers 0, 7 and 14, window 128, 64 meta tokens, shared keys and values, vocabulary 4000).
 * Throws UsageError that names the field, what was expected and what was given.
 *
 * @example
 * ```ts
 * import { ArchType, HymbaConfig } from "@hymba/hymba";
 * const config = new HymbaConfig({ dModel: 128, nLayers: 6, nHeads: 4, nKvHeads: 2, archType: ArchType.HYBRID });
 * ```
 */
export class HymbaConfig implements HymbaOptions {
  declare readonly vocabSize: number;
  declare readonly dModel: number;
  declare readonly nLayers: number;
  declare readonly nHeads: number;
  declare readonly nKvHeads: number;
  declare readonly headDim: number;
  declare readonly archType: ArchType;
  declare readonly globalAttnIndices: readonly number[];
  declare readonly useMetaTokens: boolean;
  declare readonly numMetaTokens: number;
  declare readonly useKvSharing: boolean;
  declare readonly kvGroups: readonly (readonly number[])[] | undefined;
  declare readonly swaWindow: number;
  declare readonly ffnHidden: number;
  declare readonly mambaExpand: number;
  declare readonly stateSize: number;
  declare readonly convKernel: number;
  declare readonly dtRank: number;
  declare readonly innerNorms: boolean;
  declare readonly valueHeadDim: number;
  declare readonly oddGroup: "triple" | "single";
  declare readonly ropeBase: number;
  declare readonly normEps: number;
  declare readonly initDeviation: number;
  declare readonly metaInit: "normal" | "embedding";

  constructor(options: Partial<HymbaOptions> = {}) {
    const full = defaults(options);
    validate(full);
    Object.assign(this, full);
    Object.freeze(this);
  }

  /** The same configuration with some values changed; defaults that follow from others are not derived again. */
  with(changes: Partial<HymbaOptions>): HymbaConfig {
    return new HymbaConfig({ ...this, ...changes });
  }

  /** M where meta tokens are used, else 0. */
  get metaTokens(): number {
    return this.useMetaTokens ? this.numMetaTokens : 0;
  }

  /** I: channels of the Mamba branch. */
  get innerDim(): number {
    return Math.round(this.mambaExpand * this.dModel);
  }
}
