/** The fields of a configuration, with the names of the documented study. */

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
/** One of the five architectures, as it is called in records and on the command line. */
export type ArchType = typeof ArchType[keyof typeof ArchType];

export const ARCH_TYPES: readonly ArchType[] = Object.values(ArchType);

/**
 * How the branches of a hybrid-head layer are joined: the mean of their norms as published, their sum, both side by side
 * into an output projection of twice the width, or s · attention + (1 − s) · Mamba with one learned s a layer. Only the first
 * normalises the branches.
 */
export const FUSIONS = ["mean", "sum", "concat", "gate"] as const;
/** One of the ways to join the branches. */
export type Fusion = typeof FUSIONS[number];

/** The fields of a configuration, with the names of the documented study in camelCase. */
export interface HymbaOptions {
  /** V: tokens in the vocabulary. */
  vocabSize: number;
  /** D: width of the residual stream. */
  dModel: number;
  /** Layers, each with its feed-forward part. */
  nLayers: number;
  /** H: query heads. */
  nHeads: number;
  /** G: key and value heads; H is a multiple. */
  nKvHeads: number;
  /** K: width of a query and key head, an even number. Default: D / H. */
  headDim: number;
  /** Which of the five architectures. */
  archType: ArchType;
  /**
   * A layer pattern, see `core/config/pattern.ts`. It determines `archType`, `windowed` and `globalAttnIndices`. Default: the
   * layers of the architecture.
   */
  layers: string | undefined;
  /** Attention layers outside `globalAttnIndices` see a window. Default: in `hymba` and `transformer-local`. */
  windowed: boolean;
  /** Layers with full attention where others are windowed; `transformer-local` has none. Default: first, middle, last. */
  globalAttnIndices: readonly number[];
  /** Learned tokens before the text. Default: in both hybrids. */
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
  /** off: the Mamba branch is its convolution and its gate, without the selective scan. */
  state: "on" | "off";
  /** Taps of a causal convolution with SiLU on queries, keys and values, before the rotation; 0: none. */
  attentionConv: number;
  /** R: rank of the step size. Default: D / 16, rounded up. */
  dtRank: number;
  /**
   * 0: one fused input projection and one output projection for both branches, as published. Otherwise the documented study's
   * block: each branch has an additional projection from D to this width before it and one back to D after it.
   */
  branchWidth: number;
  /** RMSNorm on dt, B and C inside the Mamba branch. Default: in `hymba`. */
  innerNorms: boolean;
  /** How attention and Mamba are joined in the layers that have both. Default: the mean of their norms. */
  fusion: Fusion;
  /** Each branch of a layer that has both has an output projection of its own; `fusion` joins what they add to the stream. */
  separateOutputs: boolean;
  /** Width of a value head. Default: I / H in `hymba` with one output projection, D / H elsewhere. */
  valueHeadDim: number;
  /** How the odd layer of a run of local layers is grouped: in a group of three, or alone. */
  oddGroup: "triple" | "single";
  /** Base of the rotary angles. */
  ropeBase: number;
  /** Added to the mean square in RMSNorm. */
  normEps: number;
  /** Standard deviation of linear and embedding weights at the start. Default: 1/√D, at least 0.02. */
  initDeviation: number;
  /** Meta tokens at the start: N(0, 1) as published, or the deviation of the embeddings. */
  metaInit: "normal" | "embedding";
  /** Bias of the step size at the start: Mamba's steps from 0.001 to 0.1, or zero as in the released code (steps of 0.69). */
  stepInit: "mamba" | "zero";
  /**
   * The projections of the Mamba branch (its x and z, and its output projection where it has one to itself) at the start: N(0,
   * initDeviation) as in the released Hymba, or uniform within ±1/√(width of their input) as in state-spaces/mamba.
   */
  mambaInit: "normal" | "uniform";
  /** Projections back into the stream at the start: smaller by √(2 · layers), or like the others as in the released Hymba. */
  outputInit: "depth" | "plain";
  /** Start of the weights of both branch norms, which fusion `mean` has. 1 as published. */
  fusionInit: number;
}
