/** The suites: the compared models, each as changes to the shape of a preset. */
import { UsageError } from "../errors.ts";
import { combinations, type Factor, FACTORS, PARTS_OF_HYBRID } from "./factors.ts";
import { kvGroups } from "./layers.ts";
import { HymbaConfig, PUBLISHED_DEVIATION } from "./model.ts";
import type { StageConfig } from "./stage.ts";
import { ARCH_TYPES, ArchType, type Fusion, FUSIONS, type HymbaOptions } from "./options.ts";

/** Sizes and vocabulary of a preset. */
export type Shape = Partial<HymbaOptions> & { vocabSize: number };

/** A model by name. `change`: its fields for a given shape. */
export interface Recipe {
  readonly name: string;
  change(shape: Shape): Partial<HymbaOptions>;
}

export interface Arm {
  readonly name: string;
  readonly config: HymbaConfig;
  /** Own values of the first stage, such as a learning rate. */
  readonly pretraining?: Partial<StageConfig>;
  /**
   * The arm that this one is a shorter training of: the same steps until its rate falls (`decayAt`). It starts from a checkpoint of
   * that arm where there is one, with the bits of a training from the start.
   */
  readonly trunk?: string;
}

export const SUITES = ["arms", "seed", "factorial", "roadmap", "fusion", "decompose", "frontier"] as const;
export type Suite = typeof SUITES[number];

const fixed = (name: string, options: Partial<HymbaOptions>): Recipe => ({ name, change: () => options });

const isHybrid = (arch: ArchType) => arch === ArchType.HYBRID || arch === ArchType.HYBRID_SEQUENTIAL;

/** An architecture without meta tokens unless it is a hybrid: a field that it would ignore is not left on. */
const architecture = (name: string, archType: ArchType, options: Partial<HymbaOptions> = {}): Recipe =>
  fixed(name, { archType, ...(isHybrid(archType) ? {} : { useMetaTokens: false }), ...options });

const FIVE: readonly Recipe[] = ARCH_TYPES.map((archType) => architecture(archType, archType));

/** Later hybrids as one configuration each; not part of a suite, but known to `--models`. */
const BASELINES: readonly Recipe[] = [
  architecture("samba", ArchType.HYBRID_SEQUENTIAL, { useMetaTokens: false, windowed: true, globalAttnIndices: [] }),
  architecture("falcon-h1", ArchType.HYBRID, {
    fusion: "sum",
    separateOutputs: true,
    useMetaTokens: false,
    useKvSharing: false,
    windowed: false,
    innerNorms: false,
    ropeBase: 1e11,
  }),
];

/**
 * The documented study's block: each branch as wide as a share of the model, with a projection into it and out of it besides its
 * own, joined by one gate without norms. Its sharing of keys and values was bookkeeping: every layer had its own. Its weights
 * start as published models do.
 */
const documented = (name: string, archType: ArchType, share = 1): Recipe => ({
  name,
  change({ vocabSize, ...shape }) {
    const { dModel, nHeads } = new HymbaConfig({ vocabSize, ...shape }), branchWidth = share * dModel;
    return {
      archType,
      branchWidth,
      headDim: branchWidth / nHeads,
      dtRank: Math.ceil(branchWidth / 16),
      mambaExpand: 2 * share,
      useMetaTokens: isHybrid(archType),
      useKvSharing: false,
      innerNorms: false,
      fusion: "gate",
      initDeviation: shape.initDeviation ?? PUBLISHED_DEVIATION,
    };
  },
});

/** The documented arms. Both hybrids are one model: `global_attn_indices=None` meant the first, middle and last layer there. */
const SEED: readonly Recipe[] = [
  documented("mamba", ArchType.MAMBA),
  documented("transformer-global", ArchType.TRANSFORMER_GLOBAL),
  documented("transformer-local", ArchType.TRANSFORMER_LOCAL),
  documented("hybrid-50-50", ArchType.HYBRID, 0.5),
  documented("hybrid-paper", ArchType.HYBRID, 0.5),
];

const nameOf = (on: readonly Factor[], all: string) =>
  on.length === 0 ? "none" : on.length === FACTORS.length ? all : on.map(({ name }) => name).join("-");

/**
 * All eight combinations. The groups that share are those of the windowed model in each, so that switching windows off does
 * not switch sharing off.
 */
const FACTORIAL: readonly Recipe[] = combinations(FACTORS).map(({ on, fields }) => ({
  name: nameOf(on, ArchType.HYBRID),
  change(shape) {
    const { nLayers, globalAttnIndices } = new HymbaConfig({ ...shape, archType: ArchType.HYBRID });
    const local = Array.from({ length: nLayers }, (_, index) => !globalAttnIndices.includes(index));
    return { archType: ArchType.HYBRID, ...fields, kvGroups: kvGroups(local, "triple") };
  },
}));

/** A parallel hybrid without anything besides its two branches, and every other architecture with the same fields. */
const PLAIN = {
  useMetaTokens: false,
  windowed: false,
  useKvSharing: false,
  oddGroup: "triple",
  innerNorms: false,
  fusion: "sum",
} as const satisfies Partial<HymbaOptions>;

/** An extra step: value heads get the width of the Mamba branch before the step to the hybrid, where they have it anyway. */
const WIDE_VALUES = "b1-wide-values";

/** The steps of the roadmap, each as changes to the previous step. */
const ROADMAP_STEPS: readonly (readonly [name: string, change: Partial<HymbaOptions>])[] = [
  ["transformer", { archType: ArchType.TRANSFORMER_GLOBAL }],
  ["mamba", { archType: ArchType.MAMBA }],
  ["a-sequential", { archType: ArchType.HYBRID_SEQUENTIAL }],
  [WIDE_VALUES, {}],
  ["b2-parallel", { archType: ArchType.HYBRID }],
  ["b3-branch-norms", { fusion: "mean" }],
  ["b4-inner-norms", { innerNorms: true }],
  ["c-local-global", { windowed: true }],
  ["d-sharing", { useKvSharing: true }],
  ["e-meta", { useMetaTokens: true }],
];

/** The width of a value head at which attention has as many channels as the Mamba branch. */
function wideValues(shape: Shape): number {
  const { innerDim, nHeads } = new HymbaConfig(shape);
  return innerDim / nHeads;
}

/**
 * The published roadmap: A to E, each step with one field changed in the step before. The published step B changes four of them;
 * here these are b1 to b4.
 */
const ROADMAP: readonly Recipe[] = ROADMAP_STEPS.map(([name], last) => ({
  name,
  change: (shape) => ({
    ...PLAIN,
    ...Object.assign({}, ...ROADMAP_STEPS.slice(0, last + 1).map(([, change]) => change)) as Partial<HymbaOptions>,
    ...(name === WIDE_VALUES ? { valueHeadDim: wideValues(shape) } : {}),
  }),
}));

/**
 * Convolution × state × attention. All eight have the gated branch; full attention beside it is a second branch, and both are
 * added. Nothing else differs, so there are no norms of branches.
 */
const DECOMPOSE: readonly Recipe[] = combinations(PARTS_OF_HYBRID).map(({ on, fields }) => ({
  name: nameOf(on, "all-three"),
  change: (shape) => ({ ...PLAIN, valueHeadDim: wideValues(shape), ...fields }),
}));

/** Mamba and attention layers, evenly mixed. `share`: of attention layers. */
function alternating(nLayers: number, share: number, letter: "g" | "w"): string {
  const attending = Math.max(1, Math.round(share * nLayers)),
    isNew = (i: number) => Math.floor((i + 1) * attending / nLayers);
  return Array.from({ length: nLayers }, (_, i) => isNew(i) > isNew(i - 1) ? letter : "m").join(" ");
}

const frontierModel = (name: string, own: (shape: HymbaConfig) => Partial<HymbaOptions>): Recipe => ({
  name,
  change: (shape) => ({ ...PLAIN, ...own(new HymbaConfig(shape)) }),
});

const withState = (name: string, factor: number) =>
  frontierModel(
    name,
    ({ stateSize }) => ({ archType: ArchType.MAMBA, stateSize: Math.max(1, Math.round(stateSize * factor)) }),
  );
const withShare = (name: string, share: number) =>
  frontierModel(name, ({ nLayers }) => ({ layers: alternating(nLayers, share, "g") }));
const withWindow = (name: string, factor: number) =>
  frontierModel(name, ({ nLayers, swaWindow }) => ({
    layers: alternating(nLayers, 1 / 2, "w"),
    swaWindow: Math.max(2, Math.round(swaWindow * factor)),
  }));

/**
 * Quality against cache size: Mamba by the size of its state, Mamba and attention by the share of attention and by its window.
 */
const FRONTIER: readonly Recipe[] = [
  withState("state-quarter", 1 / 4),
  withState("state-usual", 1),
  withState("state-fourfold", 4),
  withWindow("window-quarter", 1 / 4),
  withWindow("window-usual", 1),
  withWindow("window-double", 2),
  withShare("attention-quarter", 1 / 4),
  withShare("attention-half", 1 / 2),
  withShare("attention-all", 1),
];

const fusionName = (fusion: Fusion) => fusion === "mean" ? "hymba" : `fusion-${fusion}`;

const RECIPES: Readonly<Record<Suite, readonly Recipe[]>> = {
  arms: FIVE,
  seed: SEED,
  factorial: FACTORIAL,
  roadmap: ROADMAP,
  fusion: FUSIONS.map((fusion) => architecture(fusionName(fusion), ArchType.HYBRID, { fusion })),
  decompose: DECOMPOSE,
  frontier: FRONTIER,
};

/** The models that a suite can be asked for: its own first, then the five models and the later baselines. */
export const knownRecipes = (suite: Suite): readonly Recipe[] => [...RECIPES[suite], ...FIVE, ...BASELINES];

/** The names of a suite's own models, in their order. */
export const namesOf = (suite: Suite): string[] => RECIPES[suite].map(({ name }) => name);

/**
 * The models of a suite at a shape, or only those named. Names of the suite come first; the five models and the later
 * baselines (`samba`, `falcon-h1`) can be named with any suite. Throws UsageError for a name that does not exist.
 */
export function armsOf(suite: Suite, shape: Shape, models?: readonly string[]): Arm[] {
  const own = RECIPES[suite], known = knownRecipes(suite);
  const recipes = models?.map((name) => {
    const recipe = known.find((one) => one.name === name);
    if (recipe) return recipe;
    const names = [...new Set(known.map((one) => one.name))].join(", ");
    throw new UsageError(`unknown model ${JSON.stringify(name)}`, { expected: names });
  });
  return (recipes ?? own).map((recipe) => ({
    name: recipe.name,
    config: new HymbaConfig({ ...shape, ...recipe.change(shape) }),
  }));
}
