/**
 * This folder: configurations of models and studies, with options, layers, suites and validation.
 * The configuration of a model: plain frozen values with the names of the documented study, and one validator.
 */
import { ArchType, type Fusion, type HymbaOptions } from "./options.ts";
import { archTypeOf, layersOfPattern, lengthOfPattern, LETTERS } from "./pattern.ts";
import { checkOptions, validate } from "./validate.ts";

const isHybrid = (arch: ArchType) => arch === ArchType.HYBRID || arch === ArchType.HYBRID_SEQUENTIAL;

/** Values of the fields that follow from no other field. */
export const MODEL_DEFAULTS = {
  vocabSize: 4000,
  dModel: 512,
  nLayers: 15,
  nHeads: 8,
  nKvHeads: 4,
  numMetaTokens: 64,
  swaWindow: 128,
  mambaExpand: 2,
  stateSize: 16,
  convKernel: 4,
  branchWidth: 0,
  state: "on",
  attentionConv: 0,
  separateOutputs: false,
  fusion: "mean",
  ropeBase: 10000,
  normEps: 1e-6,
  metaInit: "normal",
  stepInit: "mamba",
  mambaInit: "normal",
  outputInit: "depth",
  fusionInit: 1,
} as const satisfies Partial<HymbaOptions>;

/** The start deviation of published models of this kind. At widths above 2500 it is larger than 1/√D. */
export const PUBLISHED_DEVIATION = 0.02;

/**
 * The start deviation at which a weight row of D numbers makes outputs of order one from a normalised input, at every width D:
 * 1/√D, and never below the published 0.02. `docs/initialisation.md` derives and measures it.
 */
export const startDeviation = (dModel: number): number => Math.max(PUBLISHED_DEVIATION, 1 / Math.sqrt(dModel));

/** The fields that a layer pattern determines; undefined without a pattern or for an invalid one (`validate` says why). */
function patternOf({ layers }: Partial<HymbaOptions>, nLayers: number) {
  if (layers === undefined) return undefined;
  const letters = layersOfPattern(layers, nLayers);
  if (!Array.isArray(letters)) return undefined;
  const kinds = letters.map((letter) => LETTERS[letter]);
  return {
    archType: archTypeOf(letters),
    windowed: kinds.some(({ window }) => window),
    globalAttnIndices: kinds.flatMap(({ attention, window }, index) => attention && !window ? [index] : []),
  };
}

function defaults(given: Partial<HymbaOptions>): HymbaOptions {
  const usual = MODEL_DEFAULTS, mambaExpand = given.mambaExpand ?? usual.mambaExpand;
  const dModel = given.dModel ?? usual.dModel,
    nLayers = given.nLayers ?? lengthOfPattern(given.layers ?? "") ?? usual.nLayers;
  const pattern = patternOf(given, nLayers), archType = pattern?.archType ?? given.archType ?? ArchType.HYBRID;
  const nHeads = given.nHeads ?? usual.nHeads, headDim = given.headDim ?? dModel / nHeads;
  const parallel = archType === ArchType.HYBRID;
  const useMetaTokens = given.useMetaTokens ?? isHybrid(archType);
  return {
    ...MODEL_DEFAULTS,
    globalAttnIndices: [...new Set([0, Math.floor(nLayers / 2), nLayers - 1])],
    windowed: parallel || archType === ArchType.TRANSFORMER_LOCAL,
    useKvSharing: (parallel || archType === ArchType.TRANSFORMER_LOCAL) && !given.branchWidth,
    kvGroups: undefined,
    layers: undefined,
    ffnHidden: Math.round(dModel * 8 / 3),
    initDeviation: startDeviation(dModel),
    dtRank: Math.ceil(dModel / 16),
    innerNorms: parallel,
    valueHeadDim: parallel && !given.branchWidth && !given.separateOutputs ? mambaExpand * dModel / nHeads : headDim,
    oddGroup: parallel ? "triple" : "single",
    ...given,
    ...(pattern ? { windowed: pattern.windowed, globalAttnIndices: pattern.globalAttnIndices } : {}),
    archType,
    dModel,
    nLayers,
    nHeads,
    headDim,
    mambaExpand,
    useMetaTokens,
  };
}

/**
 * A checked, frozen configuration. What is not given follows the documented setting (15 layers, D 512, 8 / 4 heads, global
 * attention in layers 0, 7 and 14, window 128, 64 meta tokens, shared keys and values, vocabulary 4000).
 * Throws UsageError that names the field, what was expected and what was given, whatever the options hold.
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
  declare readonly layers: string | undefined;
  declare readonly windowed: boolean;
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
  declare readonly state: "on" | "off";
  declare readonly attentionConv: number;
  declare readonly dtRank: number;
  declare readonly branchWidth: number;
  declare readonly innerNorms: boolean;
  declare readonly fusion: Fusion;
  declare readonly separateOutputs: boolean;
  declare readonly valueHeadDim: number;
  declare readonly oddGroup: "triple" | "single";
  declare readonly ropeBase: number;
  declare readonly normEps: number;
  declare readonly initDeviation: number;
  declare readonly metaInit: "normal" | "embedding";
  declare readonly stepInit: "mamba" | "zero";
  declare readonly mambaInit: "normal" | "uniform";
  declare readonly outputInit: "depth" | "plain";
  declare readonly fusionInit: number;

  /** Checks the values and derives missing ones. @throws {UsageError} when they are invalid. */
  constructor(options: Partial<HymbaOptions> = {}) {
    checkOptions(options);
    const full = defaults(options);
    validate(full, options);
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
