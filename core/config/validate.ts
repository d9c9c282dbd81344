/** Checks a configuration: the type and limits of each field, then the relations between fields. */
import { quoted, UsageError } from "../errors.ts";
import { at } from "../lists.ts";
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

/** The fault of a field: its expected and its actual value. `from`: other fields that it conflicts with. */
export interface FieldFault {
  readonly field: string;
  readonly expected: string;
  readonly got: string;
  readonly from: readonly (keyof HymbaOptions)[];
}

/** The error for invalid fields. Its text is about the first of them. Callers use the faults to name the origins of the values. */
export class FieldError extends UsageError {
  constructor(readonly faults: readonly FieldFault[]) {
    const { field, expected, got } = at(faults, 0);
    super(`configuration: ${field}`, { expected, got });
  }
}

/** A fault with any value as text. */
function faultOf(
  field: string,
  { expected, got, from = [] }: Pick<FieldFault, "expected"> & Partial<Pick<FieldFault, "from">> & { got: unknown },
): FieldFault {
  const shown = typeof got === "object" && got !== null
    ? Array.isArray(got) ? "a list" : "an object"
    : typeof got === "string"
    ? quoted(got)
    : String(got);
  return { field, expected, got: shown, from };
}

function throwIfAny(faults: readonly FieldFault[]): void {
  if (faults.length > 0) throw new FieldError(faults);
}

/** Most faults that are listed: a file may have a hundred thousand unknown fields. */
const MOST_FAULTS = 100;
const KNOWN = Object.keys(FIELD_TYPES).join(", ");

/** The fault of a given field by itself; undefined if there is none. */
function givenFault(name: string, value: unknown): FieldFault | undefined {
  if (!Object.hasOwn(FIELD_TYPES, name)) {
    return faultOf(`unknown field ${quoted(name)}`, { expected: KNOWN, got: value });
  }
  const type = FIELD_TYPES[name as keyof HymbaOptions];
  return value === undefined || holds(type, value) ? undefined : faultOf(name, { expected: allowed(type), got: value });
}

/** Checks each given field by itself, whatever its type. Throws FieldError, also for a field that does not exist. */
export function checkOptions(options: unknown): asserts options is Partial<HymbaOptions> {
  if (typeof options !== "object" || options === null || Array.isArray(options) || options instanceof Promise) {
    const expected = "an object with the fields of a configuration";
    throw new FieldError([faultOf("options", { expected, got: options })]);
  }
  const faults: FieldFault[] = [];
  // Only the names: of a hundred thousand fields, the list of their values takes most of a second.
  for (const name of Object.keys(options)) {
    const fault = givenFault(name, Reflect.get(options, name));
    if (fault) faults.push(fault);
    if (faults.length === MOST_FAULTS) break;
  }
  throwIfAny(faults);
}

/**
 * Checks a full configuration: each field, then the fields together. `given`: the fields that are no defaults. Throws a
 * FieldError with all faults, without those that are only consequences of others.
 */
export function validate(options: HymbaOptions, given: Partial<HymbaOptions> = options): void {
  throwIfAny(
    (Object.keys(FIELD_TYPES) as (keyof HymbaOptions)[]).flatMap((name) =>
      fits(name, options[name]) ? [] : faultOf(name, { expected: allowed(FIELD_TYPES[name]), got: options[name] })
    ),
  );
  const pattern = patternFaults(options), isKindKnown = pattern.length === 0;
  throwIfAny([
    ...headFaults(options),
    ...pattern,
    ...widthFaults(options, { given, isKindKnown }),
    ...(isKindKnown ? branchFaults(options) : []),
    ...groupFaults(options),
  ]);
}

function headFaults({ nHeads, nKvHeads, globalAttnIndices, nLayers }: HymbaOptions): FieldFault[] {
  const faults: FieldFault[] = [];
  if (nHeads % nKvHeads !== 0) {
    const expected = `a multiple of nKvHeads (${nKvHeads})`;
    faults.push(faultOf("nHeads", { expected, got: nHeads, from: ["nKvHeads"] }));
  }
  if (globalAttnIndices.some((i) => !Number.isInteger(i) || i < 0 || i >= nLayers)) {
    const expected = `layers from 0 to ${nLayers - 1}`, got = `[${globalAttnIndices}]`;
    faults.push(faultOf("globalAttnIndices", { expected, got, from: ["nLayers"] }));
  }
  return faults;
}

/** A pattern that can be read and names every layer. */
function patternFaults({ layers, nLayers }: HymbaOptions): FieldFault[] {
  if (layers === undefined) return [];
  const letters = layersOfPattern(layers, nLayers);
  if (Array.isArray(letters)) return [];
  const { expected, got, isOfLength } = letters;
  return [faultOf("layers", { expected, got, from: isOfLength ? ["nLayers"] : [] })];
}

function widthFaults(
  { dModel, nHeads, headDim, valueHeadDim, mambaExpand, archType, branchWidth, separateOutputs }: HymbaOptions,
  { given, isKindKnown }: { given: Partial<HymbaOptions>; isKindKnown: boolean },
): FieldFault[] {
  const faults: FieldFault[] = [], inner = mambaExpand * dModel;
  if (headDim % 2 !== 0) {
    const expected = `an even number (dModel / nHeads = ${dModel} / ${nHeads} unless given)`;
    faults.push(faultOf("headDim", { expected, got: headDim }));
  }
  const isWhole = inner >= 1 && Math.abs(inner - Math.round(inner)) <= 1e-9;
  if (!isWhole || inner > width) {
    const what = isWhole ? `at most ${width} channels` : "a whole number of channels";
    const expected = `${what}, mambaExpand · dModel = ${inner}`;
    faults.push(faultOf("mambaExpand", { expected, got: mambaExpand, from: ["dModel"] }));
  }
  // Its default follows from the fields above and from the pattern, so it is wrong only because they are.
  if ((faults.length > 0 || !isKindKnown) && given.valueHeadDim === undefined) return faults;
  const isJoint = isKindKnown && archType === ArchType.HYBRID && branchWidth === 0 && !separateOutputs;
  if (!Number.isInteger(valueHeadDim)) {
    faults.push(faultOf("valueHeadDim", { expected: "a whole number of at least 1", got: valueHeadDim }));
  } else if (isJoint && isWhole && valueHeadDim * nHeads !== Math.round(inner)) {
    const expected = `mambaExpand · dModel / nHeads = ${inner / nHeads}, the width of the Mamba branch`;
    faults.push(faultOf("valueHeadDim", { expected, got: valueHeadDim, from: ["mambaExpand", "dModel", "nHeads"] }));
  }
  return faults;
}

/** With separate output projections, layers cannot share keys and values, and branches are joined after their projections. */
function branchFaults(
  { branchWidth, useKvSharing, fusion, archType, separateOutputs, state }: HymbaOptions,
): FieldFault[] {
  const faults: FieldFault[] = [];
  if (separateOutputs && fusion === "concat") {
    const expected = "mean, sum or gate with separateOutputs: concat is a sum of two output projections itself";
    faults.push(faultOf("fusion", { expected, got: fusion, from: ["separateOutputs"] }));
  }
  if (branchWidth === 0) return faults;
  const refuse = (field: keyof HymbaOptions, got: unknown, expected: string) =>
    faults.push(faultOf(field, { expected, got, from: ["branchWidth"] }));
  if (separateOutputs) {
    refuse("separateOutputs", true, "false with a branchWidth, whose branches have projections of their own");
  }
  if (state === "off") refuse("state", state, "on with a branchWidth");
  if (useKvSharing) refuse("useKvSharing", true, "false with a branchWidth");
  if (archType === ArchType.HYBRID && fusion !== "gate" && fusion !== "sum") {
    refuse("fusion", fusion, "gate or sum with a branchWidth");
  }
  return faults;
}

/** A group's layers ascend, exist, and are in no other group. */
function groupFaults({ kvGroups = [], nLayers }: HymbaOptions): FieldFault[] {
  const all = kvGroups.flat(),
    ascend = (group: readonly number[]) => group.every((i, at) => at === 0 || (group[at - 1] ?? -1) < i);
  if (
    kvGroups.every(ascend) && new Set(all).size === all.length &&
    all.every((i) => Number.isInteger(i) && i >= 0 && i < nLayers)
  ) return [];
  const expected = `ascending groups of layers from 0 to ${nLayers - 1}, each layer at most once`;
  return [faultOf("kvGroups", { expected, got: kvGroups.map((group) => `[${group}]`).join(" "), from: ["nLayers"] })];
}
