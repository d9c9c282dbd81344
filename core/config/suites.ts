/** The suites: which models are compared, each as what it changes in the shape of a preset. */
import { UsageError } from "../errors.ts";
import { kvGroups } from "./layers.ts";
import { HymbaConfig, PUBLISHED_DEVIATION } from "./model.ts";
import type { StageConfig } from "./stage.ts";
import { ARCH_TYPES, ArchType, type Fusion, FUSIONS, type HymbaOptions } from "./options.ts";

/** Sizes and vocabulary of a preset. */
export type Shape = Partial<HymbaOptions> & { vocabSize: number };

/** A model by name; `change` says what it is at a given shape. */
export interface Recipe {
  readonly name: string;
  change(shape: Shape): Partial<HymbaOptions>;
}

export interface Arm {
  readonly name: string;
  readonly config: HymbaConfig;
  /** What differs in the first stage from that of the study, such as a rate of its own. */
  readonly pretraining?: Partial<StageConfig>;
  /**
   * The arm that this one is a shorter training of: the same steps until its rate falls (`decayAt`). It starts from a checkpoint of
   * that arm where there is one, with the bits of a training from the start.
   */
  readonly trunk?: string;
}

export const SUITES = ["arms", "seed", "factorial", "roadmap", "fusion"] as const;
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
    ...{ fusion: "sum", separateOutputs: true, useMetaTokens: false, useKvSharing: false },
    ...{ windowed: false, innerNorms: false, ropeBase: 1e11 },
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
      ...{ archType, branchWidth, headDim: branchWidth / nHeads, dtRank: Math.ceil(branchWidth / 16) },
      ...{ mambaExpand: 2 * share, useMetaTokens: isHybrid(archType), useKvSharing: false },
      ...{ innerNorms: false, fusion: "gate", initDeviation: shape.initDeviation ?? PUBLISHED_DEVIATION },
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

/** One factor of the factorial suite: its name, and the field that it switches. */
export const FACTORS = [
  { name: "meta", field: "useMetaTokens", words: "meta tokens" },
  { name: "sharing", field: "useKvSharing", words: "shared keys and values" },
  { name: "window", field: "windowed", words: "windows" },
] as const;

/**
 * All eight combinations. The groups that share are those of the windowed model in each, so that switching windows off does
 * not switch sharing off.
 */
function factorial(): Recipe[] {
  return Array.from({ length: 2 ** FACTORS.length }, (_, bits) => {
    const on = FACTORS.filter((_, i) => bits & (1 << i));
    const fields = Object.fromEntries(FACTORS.map((factor) => [factor.field, on.includes(factor)]));
    return {
      name: on.length === 0 ? "none" : on.length === FACTORS.length ? "hymba" : on.map(({ name }) => name).join("-"),
      change(shape) {
        const { nLayers, globalAttnIndices } = new HymbaConfig({ ...shape, archType: ArchType.HYBRID });
        const local = Array.from({ length: nLayers }, (_, index) => !globalAttnIndices.includes(index));
        return { archType: ArchType.HYBRID, ...fields, kvGroups: kvGroups(local, "triple") };
      },
    };
  });
}

/** What every model of the roadmap has until a step changes it, whatever its architecture would have by itself. */
const BEFORE_ROADMAP = {
  ...{ useMetaTokens: false, windowed: false, useKvSharing: false, oddGroup: "triple" },
  ...{ innerNorms: false, fusion: "sum" },
} as const satisfies Partial<HymbaOptions>;

/** Gives values the width of the Mamba branch before the architecture does, in which they have it anyway. */
const WIDE_VALUES = "b1-wide-values";

/** The steps of the roadmap, each with what it changes in the step before. */
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
    ...BEFORE_ROADMAP,
    ...Object.assign({}, ...ROADMAP_STEPS.slice(0, last + 1).map(([, change]) => change)) as Partial<HymbaOptions>,
    ...(name === WIDE_VALUES ? { valueHeadDim: wideValues(shape) } : {}),
  }),
}));

const fusionName = (fusion: Fusion) => fusion === "mean" ? "hymba" : `fusion-${fusion}`;

const RECIPES: Readonly<Record<Suite, readonly Recipe[]>> = {
  arms: FIVE,
  seed: SEED,
  factorial: factorial(),
  roadmap: ROADMAP,
  fusion: FUSIONS.map((fusion) => architecture(fusionName(fusion), ArchType.HYBRID, { fusion })),
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
