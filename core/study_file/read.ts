/** From the text of a study file, or the words of a flag, to values that are each of their key's type. */
import { parse, TomlDate, TomlError } from "smol-toml";
import { allowed, holds, type Value } from "../config/mod.ts";
import { quoted } from "../errors.ts";
import { meantHint, nearest } from "../nearest.ts";
import { nameOf, tableOf } from "./key.ts";
import { ARM_NAME, keyAt, KEYS } from "./keys.ts";
import { type Place, placeIn, placesOf } from "./places.ts";
import { type Fault, faultAt, type Given, type Origin, shown } from "./values.ts";
import { at } from "../lists.ts";

export interface ReadValues {
  readonly values: Map<string, Given>;
  readonly faults: Fault[];
}

/** The paths of all tables, with `*` for names. */
const TABLES = new Set(KEYS.flatMap(({ path }) => {
  const found: string[] = [];
  for (let table = tableOf(path); table !== ""; table = tableOf(table)) found.push(table);
  return found;
}));

const withStar = (path: string) => path.replace(/^arms\.[^.]+/, "arms.*");
const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof TomlDate);

/** Names that other programs give to keys, in small letters without - and _. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  lr: "pretraining.rate",
  learningrate: "pretraining.rate",
  weightdecay: "pretraining.decay",
  batchsize: "pretraining.batch",
  maxsteps: "pretraining.steps",
  warmupsteps: "pretraining.warmup",
  gradclip: "pretraining.clip",
  width: "model.dModel",
  hiddensize: "model.dModel",
  nembd: "model.dModel",
  depth: "model.nLayers",
  nlayer: "model.nLayers",
  numlayers: "model.nLayers",
  numhiddenlayers: "model.nLayers",
  heads: "model.nHeads",
  numattentionheads: "model.nHeads",
  window: "model.swaWindow",
  vocab: "model.vocabSize",
  contextlength: "sequenceLength",
  seqlen: "sequenceLength",
  blocksize: "sequenceLength",
  length: "sequenceLength",
  seed: "seeds",
  dataset: "data.files",
  corpus: "data.files",
};

/** The key that was most likely meant by an unknown one. */
function nearestKey(path: string): string | undefined {
  const arm = path.startsWith("arms.") ? at(path.split("."), 1) : "*";
  const all = KEYS.map((key) => key.path.replace("*", arm === "*" ? "NAME" : arm));
  const own = all.filter((one) => tableOf(one) === tableOf(path));
  // The same name in another table is more likely than a similar name in this one.
  const elsewhere = all.find((one) => nameOf(one) === nameOf(path));
  if (elsewhere !== undefined) return elsewhere;
  const foreign = nameOf(path).toLowerCase().replaceAll(/[-_]/g, "");
  if (Object.hasOwn(ELSEWHERE, foreign)) return ELSEWHERE[foreign];
  const near = nearest(nameOf(path), own.map(nameOf));
  return near === undefined ? nearest(path, all) : [tableOf(path), near].filter(Boolean).join(".");
}

/** The fault of a path without a key. */
export function unknownKey(path: string, at: string): Fault {
  const meant = nearestKey(path);
  return {
    at,
    what: `unknown key ${quoted(path)}`,
    ...(meant ? { hint: `did you mean ${meant}?` } : { expected: "a key that hymba config explain lists" }),
  };
}

/** The fault of the name of an arm in a path. */
function armFault(path: string, at: string): Fault | undefined {
  const [first, name] = path.split(".");
  if (first !== "arms" || name === undefined || new RegExp(`^${ARM_NAME}$`).test(name)) return undefined;
  return { at, what: `the arm ${quoted(name)}`, expected: "a name of small letters, digits, - and _" };
}

/** Stores one value, or reports its fault. */
function take(read: ReadValues, path: string, { value, origin }: { value: unknown; origin: Origin }): void {
  const key = keyAt(path), at = faultAt(origin), fault = armFault(path, at);
  if (fault) return void read.faults.push(fault);
  if (!key) return void read.faults.push(unknownKey(path, at));
  if (holds(key.type, value)) return void read.values.set(path, { value: value as Value, origin });
  const name = nameOf(path), expected = allowed(key.type);
  const what = key.type.kind === "choice" && typeof value === "string" ? `unknown ${name} ${quoted(value)}` : path;
  const hint = key.type.kind === "choice" ? meantHint(String(value), key.type.choices) : undefined;
  read.faults.push({ at, what, expected, ...(what === path && { got: shown(value) }), ...(hint && { hint }) });
}

function takeTable(
  read: ReadValues,
  table: Record<string, unknown>,
  { path, originOf }: { path: string; originOf(path: string): Origin },
): void {
  for (const [name, value] of Object.entries(table)) {
    const own = path === "" ? name : `${path}.${name}`, origin = originOf(own), at = faultAt(origin);
    const fault = path === "arms" ? armFault(`arms.${name}`, at) : undefined;
    if (fault) read.faults.push(fault);
    else if (isTable(value) && TABLES.has(withStar(own))) takeTable(read, value, { path: own, originOf });
    else if (TABLES.has(withStar(own))) {
      read.faults.push({ at, what: own, expected: `a table: [${own}] and keys below it`, got: shown(value) });
    } else take(read, own, { value, origin });
  }
}

/** A TOML value with all integers as numbers. Integers of 2^53 and above are rounded, like a float of the same digits. */
function withNumbers(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(withNumbers);
  if (!isTable(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, own]) => [name, withNumbers(own)]));
}

/** Parses TOML. Errors: `TomlError`. */
const parseToml = (text: string): Record<string, unknown> =>
  withNumbers(parse(text, { integersAsBigInt: "asNeeded" })) as Record<string, unknown>;

/** Reads the text of a study file. All faults are reported together; a text that is not TOML has only one. */
export function readStudyText(
  text: string,
  { file, origin }: { file: string; origin?: Origin },
): ReadValues {
  const read: ReadValues = { values: new Map(), faults: [] };
  let table: Record<string, unknown>;
  try {
    table = parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const what = at(error.message.split("\n"), 0).replace(/^Invalid TOML document: /, "");
    read.faults.push({ at: `${file}:${error.line}:${error.column}`, what: `not TOML: ${what}` });
    return read;
  }
  const places: ReadonlyMap<string, Place> = placesOf(text);
  const originOf = (path: string): Origin => origin ?? { kind: "file", file, ...placeIn(places, path) };
  takeTable(read, table, { path: "", originOf });
  return read;
}

/** A value that a flag gives. `value` undefined: the words of `--set` still have to be read. */
export interface FlagValue {
  readonly flag: string;
  readonly path: string;
  readonly value: unknown;
}

/** A typed value: TOML if it parses as TOML; a list can also be words with commas; otherwise the text itself. */
export function typedValue(words: string, path: string): unknown {
  const type = keyAt(path)?.type;
  try {
    const { value } = parseToml(`value = ${words}`);
    if (type === undefined || holds(type, value)) return value;
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
  }
  if (type !== undefined && holds(type, words)) return words;
  if (type?.kind === "list" || type?.kind === "either" && words.includes(",")) {
    const items = words.split(",").map((word) =>
      /^-?\d+(\.\d+)?(e-?\d+)?$/.test(word.trim()) ? Number(word) : word.trim()
    );
    if (holds(type, items)) return items;
  }
  return words;
}

/** Reads the `key=value` of one `--set`. */
export function setFlag(words: string): FlagValue | Fault {
  const at = words.indexOf("=");
  if (at <= 0) {
    return { at: "--set", what: quoted(words), expected: "KEY=VALUE, such as pretraining.rate=1e-3" };
  }
  const path = words.slice(0, at).trim();
  return { flag: "--set", path, value: typedValue(words.slice(at + 1).trim(), path) };
}

/** Reads flags, in their order: a later one replaces an earlier one. */
export function readFlags(flags: readonly (FlagValue | Fault)[]): ReadValues {
  const read: ReadValues = { values: new Map(), faults: [] };
  for (const given of flags) {
    if ("what" in given) read.faults.push(given);
    else take(read, given.path, { value: given.value, origin: { kind: "flag", flag: given.flag } });
  }
  return read;
}
