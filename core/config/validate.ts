/** Checks a configuration: the type and limits of each field, then the relations between fields. */
import { quoted, UsageError } from "../errors.ts";
import { ARCH_TYPES, ArchType, FUSIONS, type HymbaOptions } from "./options.ts";
import { layersOfPattern } from "./pattern.ts";
import { allowed, choice, flag, holds, list, number, text, type ValueType, whole } from "./value_types.ts";

/** Largest values: far above any model of the study, and small enough that no size derived from them leaves 2^53. */
const CONFIG_LIMITS = { width: 2 ** 17, vocabulary: 2 ** 24, layers: 1024, positions: 2 ** 20, states: 2 ** 12 };

const { width, vocabulary, layers, positions, states } = CONFIG_LIMITS;
const layerList = (min = 0) =>
  list(whole(layers - 1, 0), { min, max: layers, words: `a list of at most ${layers} layers, the first of them 0` });

/** The type of each field by itself. */
export const FIELD_TYPES: Readonly<Record<keyof HymbaOptions, ValueType>> = {
  vocabSize: whole(vocabulary),
  dModel: whole(width),
  nLayers: whole(layers),
  nHeads: whole(width),
  nKvHeads: whole(width),
  headDim: number(2, width),
  archType: choice(ARCH_TYPES),
  layers: text('a layer pattern, such as "h 5l h" or "7m:g"'),
  windowed: flag,
  globalAttnIndices: layerList(),
  useMetaTokens: flag,
  numMetaTokens: whole(positions, 0),
  useKvSharing: flag,
  kvGroups: list(layerList(1), {
    max: layers,
    words: `a list of at most ${layers} lists of layers, none of them empty`,
  }),
  swaWindow: whole(positions),
  ffnHidden: whole(width),
  mambaExpand: number(Number.MIN_VALUE, 1024),
  stateSize: whole(states),
  convKernel: whole(states),
  state: choice(["on", "off"]),
  attentionConv: whole(states, 0),
  dtRank: whole(width),
  branchWidth: whole(width, 0),
  innerNorms: flag,
  fusion: choice(FUSIONS),
  separateOutputs: flag,
  valueHeadDim: number(1, width),
  oddGroup: choice(["triple", "single"]),
  ropeBase: number(1, 1e12),
  normEps: number(0, 1),
  initDeviation: number(0, 1e3),
  metaInit: choice(["normal", "embedding"]),
  stepInit: choice(["mamba", "zero"]),
  mambaInit: choice(["normal", "uniform"]),
  outputInit: choice(["depth", "plain"]),
  fusionInit: number(0, 1e3),
};

/** Fields that may be left out of a full configuration. */
const OPTIONAL: readonly (keyof HymbaOptions)[] = ["kvGroups", "layers"];

const fits = (name: keyof HymbaOptions, value: unknown) =>
  holds(FIELD_TYPES[name], value) || value === undefined && OPTIONAL.includes(name);

/** The expected and the actual value of a field. `from`: other fields that it conflicts with. */
interface FieldFault {
  readonly expected: string;
  readonly got: string;
  readonly from: readonly (keyof HymbaOptions)[];
}

/** The error for an invalid field. Callers use its parts to name the origin of the value. */
export class FieldError extends UsageError {
  constructor(readonly field: string, readonly fault: FieldFault) {
    super(`configuration: ${field}`, { expected: fault.expected, got: fault.got });
  }
}

function fail(
  field: string,
  { expected, got, from = [] }: Pick<FieldFault, "expected"> & Partial<Pick<FieldFault, "from">> & { got: unknown },
): never {
  const shown = typeof got === "object" && got !== null
    ? Array.isArray(got) ? "a list" : "an object"
    : quoted(String(got));
  throw new FieldError(field, { expected, got: shown, from });
}

/** Checks each given field by itself, whatever its type. Throws UsageError, also for a field that does not exist. */
export function checkOptions(options: unknown): asserts options is Partial<HymbaOptions> {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    fail("options", { expected: "an object with the fields of a configuration", got: options });
  }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(FIELD_TYPES, name)) {
      fail(`unknown field ${quoted(name)}`, { expected: Object.keys(FIELD_TYPES).join(", "), got: value });
    }
    const type = FIELD_TYPES[name as keyof HymbaOptions];
    if (value !== undefined && !holds(type, value)) fail(name, { expected: allowed(type), got: value });
  }
}

/** Checks a full configuration: each field, then the fields together. */
export function validate(options: HymbaOptions): void {
  for (const name of Object.keys(FIELD_TYPES) as (keyof HymbaOptions)[]) {
    if (!fits(name, options[name])) fail(name, { expected: allowed(FIELD_TYPES[name]), got: options[name] });
  }
  const { nHeads, nKvHeads, globalAttnIndices, nLayers } = options;
  if (nHeads % nKvHeads !== 0) {
    fail("nHeads", { expected: `a multiple of nKvHeads (${nKvHeads})`, got: nHeads, from: ["nKvHeads"] });
  }
  if (globalAttnIndices.some((i) => !Number.isInteger(i) || i < 0 || i >= nLayers)) {
    fail("globalAttnIndices", {
      expected: `layers from 0 to ${nLayers - 1}`,
      got: `[${globalAttnIndices}]`,
      from: ["nLayers"],
    });
  }
  validatePattern(options);
  validateWidths(options);
  validateBranches(options);
  validateGroups(options);
}

/** A pattern that can be read and names every layer. */
function validatePattern({ layers, nLayers }: HymbaOptions): void {
  if (layers === undefined) return;
  const letters = layersOfPattern(layers, nLayers);
  if (!Array.isArray(letters)) fail("layers", { ...letters, from: ["nLayers"] });
}

function validateWidths(
  { dModel, nHeads, headDim, valueHeadDim, mambaExpand, archType, branchWidth, separateOutputs }: HymbaOptions,
): void {
  if (headDim % 2 !== 0) {
    fail("headDim", {
      expected: `an even number (dModel / nHeads = ${dModel} / ${nHeads} unless given)`,
      got: headDim,
    });
  }
  const inner = mambaExpand * dModel;
  if (!(inner >= 1) || Math.abs(inner - Math.round(inner)) > 1e-9) {
    fail("mambaExpand", {
      expected: `a whole number of channels, mambaExpand · dModel = ${inner}`,
      got: mambaExpand,
      from: ["dModel"],
    });
  }
  if (inner > width) {
    fail("mambaExpand", {
      expected: `at most ${width} channels, mambaExpand · dModel = ${inner}`,
      got: mambaExpand,
      from: ["dModel"],
    });
  }
  if (
    archType === ArchType.HYBRID && branchWidth === 0 && !separateOutputs && valueHeadDim * nHeads !== Math.round(inner)
  ) {
    fail("valueHeadDim", {
      expected: `mambaExpand · dModel / nHeads = ${inner / nHeads}, the width of the Mamba branch`,
      got: valueHeadDim,
    });
  }
  if (!Number.isInteger(valueHeadDim)) {
    fail("valueHeadDim", { expected: "a whole number of at least 1", got: valueHeadDim });
  }
}

/** With separate output projections, layers cannot share keys and values, and branches are joined after their projections. */
function validateBranches(
  { branchWidth, useKvSharing, fusion, archType, separateOutputs, state }: HymbaOptions,
): void {
  if (separateOutputs && fusion === "concat") {
    const expected = "mean, sum or gate with separateOutputs: concat is a sum of two output projections itself";
    fail("fusion", { expected, got: fusion, from: ["separateOutputs"] });
  }
  if (branchWidth === 0) return;
  if (separateOutputs) {
    const expected = "false with a branchWidth, whose branches have projections of their own";
    fail("separateOutputs", { expected, got: separateOutputs, from: ["branchWidth"] });
  }
  if (state === "off") fail("state", { expected: "on with a branchWidth", got: state, from: ["branchWidth"] });
  if (useKvSharing) {
    fail("useKvSharing", { expected: "false with a branchWidth", got: useKvSharing, from: ["branchWidth"] });
  }
  if (archType === ArchType.HYBRID && fusion !== "gate" && fusion !== "sum") {
    fail("fusion", { expected: "gate or sum with a branchWidth", got: fusion, from: ["branchWidth"] });
  }
}

/** A group's layers ascend, exist, and are in no other group. */
function validateGroups({ kvGroups = [], nLayers }: HymbaOptions): void {
  const all = kvGroups.flat(),
    ascend = (group: readonly number[]) => group.every((i, at) => at === 0 || (group[at - 1] ?? -1) < i);
  if (
    kvGroups.every(ascend) && new Set(all).size === all.length &&
    all.every((i) => Number.isInteger(i) && i >= 0 && i < nLayers)
  ) return;
  fail("kvGroups", {
    expected: `ascending groups of layers from 0 to ${nLayers - 1}, each layer at most once`,
    got: kvGroups.map((group) => `[${group}]`).join(" "),
    from: ["nLayers"],
  });
}
