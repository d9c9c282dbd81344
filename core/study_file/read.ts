/** From the text of a study file, or the words of a flag, to values that are each of their key's type. */
import { parse, TomlDate, TomlError } from "smol-toml";
import { allowed, holds, type Value, type ValueType } from "../config/mod.ts";
import { quoted } from "../errors.ts";
import { meantHint } from "../nearest.ts";
import { nameOf, tableOf } from "./key.ts";
import { keyAt, KEYS } from "./keys.ts";
import { armNameFault, nearestPath, unknownKey, type Wanted } from "./nearest_key.ts";
import { itemsIn, type KeyPath, placeIn, placesOf } from "./places.ts";
import { type Fault, faultAt, type Given, itemAt, type Origin, shown } from "./values.ts";
import { at } from "../lists.ts";

export interface ReadValues {
  readonly values: Map<string, Given>;
  readonly faults: Fault[];
  /** The keys whose values were refused, and those that unknown keys probably stand for. */
  readonly refused: Set<string>;
}

/** The paths of all tables, with `*` for names. */
const TABLES = new Set(KEYS.flatMap(({ path }) => {
  const found: string[] = [];
  for (let table = tableOf(path); table !== ""; table = tableOf(table)) found.push(table);
  return found;
}));

/** Whether a path is that of an arm, or is below it. */
const isArm = ([first, name]: KeyPath): boolean => first === "arms" && name !== undefined;
const withStar = (path: KeyPath): string => (isArm(path) ? ["arms", "*", ...path.slice(2)] : path).join(".");
/** Whether a path is that of a key. A name with a dot is one that was quoted in the file. */
const isKey = (path: KeyPath): boolean =>
  path.every((part) => !part.includes(".")) && keyAt(path.join(".")) !== undefined;
const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof TomlDate);

/** After so many faults, unknown keys get no suggestion: a suggestion compares the key with all others. */
const MOST_SUGGESTIONS = 200;

/**
 * Reports a key or table that does not exist, and returns what was probably meant. A name with a dot is one that was quoted in
 * the file.
 */
function refuseUnknown(
  read: ReadValues,
  path: KeyPath,
  { at, wanted }: { at: string; wanted: Wanted },
): string | undefined {
  const joined = path.join("."), isQuoted = path.some((part) => part.includes("."));
  if (isQuoted && keyAt(joined)) {
    const hint = `did you mean ${joined}, without quotes around the dot?`;
    read.faults.push({ at, what: `unknown key ${quoted(joined)}`, hint });
    return undefined;
  }
  const meant = read.faults.length < MOST_SUGGESTIONS ? nearestPath(joined, wanted) : undefined;
  if (meant !== undefined) read.refused.add(meant);
  read.faults.push(unknownKey(joined, at, { meant }));
  return meant;
}

/**
 * Reports the wrong items of a list, each at its place, and stores the others, so that their faults are found as well. Returns
 * whether there were wrong ones.
 */
function refuseItems(
  { faults, values }: ReadValues,
  path: string,
  { type, value, origin }: { type: ValueType; value: unknown; origin: Origin },
): boolean {
  const list = type.kind === "either" ? type.of.find(({ kind }) => kind === "list") : type;
  if (list?.kind !== "list" || !Array.isArray(value)) return false;
  const found = value.flatMap((item, i): Fault[] =>
    holds(list.of, item)
      ? []
      : [{ at: itemAt(origin, i), what: `${path}, item ${i + 1}`, expected: allowed(list.of), got: shown(item) }]
  );
  faults.push(...found.slice(0, MOST_SUGGESTIONS));
  const good = value.filter((item) => holds(list.of, item)),
    isGood = (_: unknown, i: number) => holds(list.of, value[i]);
  const places = origin.kind === "file" ? { ...origin, items: origin.items?.filter(isGood) } : origin;
  if (found.length > 0 && holds(list, good)) values.set(path, { value: good, origin: places });
  return found.length > 0;
}

/** Stores one value, or reports its fault. */
function take(read: ReadValues, path: KeyPath, { value, origin }: { value: unknown; origin: Origin }): void {
  const joined = path.join("."), key = isKey(path) ? keyAt(joined) : undefined;
  const at = faultAt(origin), fault = isArm(path) ? armNameFault(path[1] ?? "", at) : undefined;
  if (fault) return void read.faults.push(fault);
  if (!key) return void refuseUnknown(read, path, { at, wanted: "key" });
  if (holds(key.type, value)) return void read.values.set(joined, { value: value as Value, origin });
  read.refused.add(joined);
  if (refuseItems(read, joined, { type: key.type, value, origin })) return;
  const name = nameOf(joined), expected = allowed(key.type);
  const what = key.type.kind === "choice" && typeof value === "string" ? `unknown ${name} ${quoted(value)}` : joined;
  const hint = key.type.kind === "choice" ? meantHint(String(value), key.type.choices) : undefined;
  read.faults.push({ at, what, expected, ...(what === joined && { got: shown(value) }), ...(hint && { hint }) });
}

/** A table of a file. Its content is stored below `path`; it lies below `found`, which differs if its name is wrong. */
interface TablePlace {
  readonly path: KeyPath;
  readonly found: KeyPath;
  originOf(found: KeyPath): Origin;
}

function takeTable(read: ReadValues, table: Record<string, unknown>, { path, found, originOf }: TablePlace): void {
  for (const [name, value] of Object.entries(table)) {
    const own = [...path, name], place = [...found, name], origin = originOf(place), at = faultAt(origin);
    if (path.length === 1 && path[0] === "arms" && isTable(value)) {
      takeArm(read, value, { path: own, found: place, originOf });
    } else if (isTable(value) && TABLES.has(withStar(own))) {
      takeTable(read, value, { path: own, found: place, originOf });
      if (isArm(own)) refuseEmpty(read, value, { path: own, at });
    } else if (TABLES.has(withStar(own))) {
      const shape = own.join(".");
      read.faults.push({ at, what: shape, expected: `a table: [${shape}] and keys below it`, got: shown(value) });
    } else if (isTable(value) && !isKey(own)) takeUnknown(read, value, { path: own, found: place, originOf });
    else take(read, own, { value, origin });
  }
}

/** The table of an arm. The keys of an arm with a wrong name are checked as well. */
function takeArm(read: ReadValues, table: Record<string, unknown>, { path, found, originOf }: TablePlace): void {
  const at = faultAt(originOf(found)), fault = armNameFault(path.at(-1) ?? "", at);
  if (fault) read.faults.push(fault);
  refuseEmpty(read, table, { path, at });
  const own = fault ? { path: ["arms", "name"], read: { ...read, values: new Map() } } : { path, read };
  takeTable(own.read, table, { path: own.path, found, originOf });
}

/** Reports a table of an arm without keys, which would say nothing. */
function refuseEmpty(
  { faults }: ReadValues,
  table: Record<string, unknown>,
  { path, at }: { path: KeyPath; at: string },
): void {
  if (Object.keys(table).length > 0) return;
  faults.push({ at, what: `[${path.join(".")}] is empty`, expected: 'keys below it, such as from = "hymba"' });
}

/** Reports an unknown table, and checks its keys as those of the table that was meant, if there is one. */
function takeUnknown(read: ReadValues, table: Record<string, unknown>, { path, found, originOf }: TablePlace): void {
  const meant = refuseUnknown(read, path, { at: faultAt(originOf(found)), wanted: "table" });
  if (meant === undefined || !TABLES.has(withStar(meant.split(".")))) return;
  takeTable({ ...read, values: new Map() }, table, { path: meant.split("."), found, originOf });
}

/** A TOML value with all integers as numbers. Integers of 2^53 and above are rounded, like a float of the same digits. */
function withNumbers(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(withNumbers);
  return isTable(value) ? withNumbersIn(value) : value;
}

const withNumbersIn = (table: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(table).map(([name, own]) => [name, withNumbers(own)]));

/** Most parts of a name such as a.b.c. No key has more than four. */
const MOST_PARTS = 16;

/** The path of the first table with too many parts; undefined if there is none. Without recursion: a file can have thousands. */
function tooDeep(table: Record<string, unknown>): KeyPath | undefined {
  const open: { path: KeyPath; table: Record<string, unknown> }[] = [{ path: [], table }];
  for (let next = open.pop(); next; next = open.pop()) {
    for (const [name, value] of Object.entries(next.table)) {
      const path = [...next.path, name];
      if (path.length > MOST_PARTS) return path;
      if (isTable(value)) open.push({ path, table: value });
    }
  }
  return undefined;
}

const noValues = (): ReadValues => ({ values: new Map(), faults: [], refused: new Set() });

/** Parses TOML. Errors: `TomlError`. */
const parseToml = (text: string): Record<string, unknown> => parse(text, { integersAsBigInt: "asNeeded" });

/** What to do about a line that is not TOML. `hymba init` writes keys without a value of their own as `name = # without it: …`. */
const hintAt = (line: string): string =>
  /^\s*[\w.-]+\s*=\s*#/.test(line)
    ? "write a value between = and #, or # in front of the line"
    : "hymba init writes a file of the right form: one name = value in a line, texts in quotes";

/** Reads the text of a study file. All faults are reported together; a text that is not TOML has only one. */
export function readStudyText(
  text: string,
  { file, origin }: { file: string; origin?: Origin },
): ReadValues {
  const read = noValues();
  let table: Record<string, unknown>;
  try {
    table = parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const what = at(error.message.split("\n"), 0).replace(/^Invalid TOML document: /, "");
    const hint = hintAt(text.split("\n")[error.line - 1] ?? "");
    read.faults.push({ at: `${file}:${error.line}:${error.column}`, what: `not TOML: ${what}`, hint });
    return read;
  }
  const places = placesOf(text), deep = tooDeep(table);
  if (deep) {
    const { line, column } = placeIn(places, deep), expected = `at most ${MOST_PARTS} parts, such as a.b.c`;
    read.faults.push({ at: `${file}:${line}:${column}`, what: "a name of too many parts", expected });
    return read;
  }
  const originOf = (path: KeyPath): Origin =>
    origin ?? { kind: "file", file, ...placeIn(places, path), items: itemsIn(places, path) };
  takeTable(read, withNumbersIn(table), { path: [], found: [], originOf });
  return read;
}

/** A value that a flag gives. `value` undefined: the words of `--set` still have to be read. */
export interface FlagValue {
  readonly flag: string;
  readonly path: string;
  readonly value: unknown;
}

/** Words as a TOML value; the words themselves if they are none. */
function tomlValue(words: string): unknown {
  try {
    const { value } = parseToml(`value = ${words}`);
    return tooDeep({ value }) ? words : withNumbers(value);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    return words;
  }
}

/** A typed value: TOML if it parses as TOML; a list can also be words with commas; otherwise the text itself. */
export function typedValue(words: string, path: string): unknown {
  const type = keyAt(path)?.type, value = tomlValue(words);
  if (type === undefined || holds(type, value)) return value;
  if (holds(type, words)) return words;
  if (!words.startsWith("[") && (type.kind === "list" || type.kind === "either" && words.includes(","))) {
    const items = words.split(",").map((word) =>
      /^-?\d+(\.\d+)?(e-?\d+)?$/.test(word.trim()) ? Number(word) : word.trim()
    );
    if (holds(type, items)) return items;
  }
  return value;
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
  const read = noValues();
  for (const given of flags) {
    if ("what" in given) read.faults.push(given);
    else take(read, given.path.split("."), { value: given.value, origin: { kind: "flag", flag: given.flag } });
  }
  return read;
}
