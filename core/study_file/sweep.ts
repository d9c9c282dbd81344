/** The sweep of a study file and of flags. */
import { allowed, holds, type Value } from "../config/mod.ts";
import { quoted, UsageError } from "../errors.ts";
import { keyAt } from "./keys.ts";
import { nearestPath, unknownKey } from "./nearest_key.ts";
import { typedValue } from "./read.ts";
import { type Fault, faultAt, type Given, itemAt, shown, throwFaults, type Values } from "./values.ts";

/** A key with the values that are tried. */
export interface Axis {
  readonly path: string;
  readonly values: readonly Value[];
}

/** An axis, and where a study file or a flag names it. */
export type PlacedAxis = Axis & { readonly at: string };

/** The values that a sweep tries, and how it chooses. */
export interface SweepConfig {
  readonly over: readonly Axis[];
  readonly seeds: readonly number[];
  readonly perArm: boolean;
  /** How many times a grid is extended. */
  readonly extend: number;
}

/** The first seed of a sweep that names none: no study that counts its seeds gets there. */
const FIRST_SEED = 10_001;

/** Splits at commas that are not inside brackets or quotes. */
function splitValues(words: string): string[] {
  const parts: string[] = [""];
  let depth = 0, quoted = false;
  for (const letter of words) {
    if (letter === '"') quoted = !quoted;
    if (!quoted && letter === "[") depth++;
    if (!quoted && letter === "]") depth--;
    if (letter === "," && depth === 0 && !quoted) parts.push("");
    else parts[parts.length - 1] += letter;
  }
  return parts.map((part) => part.trim());
}

/** The arm's key for a key of a sweep; undefined if the key does not apply to that arm. */
export function pathInArm(path: string, arm: string): string | undefined {
  if (path.startsWith("arms.")) return path.startsWith(`arms.${arm}.`) ? path : undefined;
  return `arms.${arm}.${path.startsWith("model.") ? path.slice("model.".length) : path}`;
}

/** Whether every arm can have a value of its own for a key. The vocabulary belongs to the text of the whole study. */
function isOfArms(path: string): boolean {
  if (/^arms\.[^.]+\.from$/.test(path)) return false;
  const arm = path.startsWith("arms.") ? path.split(".")[1] ?? "" : "hymba", own = pathInArm(path, arm);
  return /^(model|pretraining|arms)\./.test(path) && own !== undefined && keyAt(own) !== undefined;
}

/** Reads one `KEY=A,B,C`: the values that are allowed, and the faults of the others. */
function axisOf(words: string, at: string): { axis?: Axis; faults: Fault[] } {
  const fault = (one: Omit<Fault, "at">) => ({ faults: [{ at, ...one }] });
  const equals = words.indexOf("=");
  if (equals <= 0) return fault({ what: shown(words), expected: "KEY=A,B, such as pretraining.rate=1e-3,2e-3" });
  const path = words.slice(0, equals).trim(), key = keyAt(path);
  if (!key) return { faults: [unknownKey(path, at, { meant: nearestPath(path, "key") })] };
  if (!isOfArms(path)) {
    return fault({ what: `${path} cannot be swept`, expected: "a key of model, of pretraining or of an arm" });
  }
  const values = splitValues(words.slice(equals + 1)).map((word) => typedValue(word, path) as Value);
  const faults = values.filter((value) => !holds(key.type, value))
    .map((value): Fault => ({ at, what: path, expected: allowed(key.type), got: shown(value) }));
  if (new Set(values.map(shown)).size < values.length) {
    faults.push({ at, what: `${path} has a value twice`, expected: "different values", got: shown(values) });
  }
  return { axis: { path, values: values.filter((value) => holds(key.type, value)) }, faults };
}

/** The axes of `sweep.over` with their places, without values that are wrong by themselves; and the faults. */
function axesOf(over: Given | undefined): { axes: PlacedAxis[]; faults: Fault[] } {
  const axes: PlacedAxis[] = [], faults: Fault[] = [];
  if (!over) return { axes, faults };
  const { value, origin } = over;
  for (const [i, words] of (Array.isArray(value) ? value : []).entries()) {
    const at = itemAt(origin, i), { axis, faults: own } = axisOf(String(words), at);
    faults.push(...own);
    if (axis && axes.some(({ path }) => path === axis.path)) {
      faults.push({ at, what: `${axis.path} is swept twice`, expected: "each key once" });
    } else if (axis) axes.push({ ...axis, at });
  }
  return { axes, faults };
}

/** The axes of a study's sweep with their places, without keys and values that are wrong by themselves. */
export const soundAxes = (values: Values): PlacedAxis[] => axesOf(values.get("sweep.over")).axes;

/** The seeds of a sweep. */
function seedsOf(values: Values): number[] {
  const given = values.get("sweep.seeds")?.value ?? 2;
  return typeof given === "number"
    ? Array.from({ length: given }, (_, i) => FIRST_SEED + i)
    : (given as readonly number[]).slice();
}

/** The faults of a sweep; none if the study has no sweep. `isNamed`: whether there is a model of a name. */
export function sweepFaults(values: Values, isNamed: (name: string) => boolean): Fault[] {
  const seeds = values.get("sweep.seeds"), chosen = seedsOf(values);
  const { axes, faults } = axesOf(values.get("sweep.over"));
  for (const { path, at } of axes) {
    const [first, arm = ""] = path.split(".");
    if (first !== "arms" || isNamed(arm)) continue;
    const expected = "a model of a suite, or an arm of this study", keys = ["suite"];
    faults.push({ at, what: `${path}: unknown model ${quoted(arm)}`, expected, keys });
  }
  if (seeds && new Set(chosen).size < chosen.length) {
    faults.push({ at: faultAt(seeds.origin), what: "sweep.seeds", expected: "different seeds", got: shown(chosen) });
  }
  return faults;
}

/** The sweep of a study. Throws one UsageError with all faults, also if the study has no sweep. */
export function sweepOf(values: Values): SweepConfig {
  const over = values.get("sweep.over");
  if (!over) {
    const hint = "--over pretraining.rate=1e-3,2e-3,4e-3, or over = [...] below [sweep] in the file";
    throw new UsageError("the study names no keys to sweep over", { hint });
  }
  throwFaults(sweepFaults(values, () => true));
  return {
    over: axesOf(over).axes.map(({ path, values }) => ({ path, values })),
    seeds: seedsOf(values),
    perArm: values.get("sweep.perArm")?.value === true,
    extend: Number(values.get("sweep.extend")?.value ?? 0),
  };
}
