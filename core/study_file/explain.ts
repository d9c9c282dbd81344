/** Explains a key in a few lines. */
import { allowed, PRESETS, type Value, type ValueType } from "../config/mod.ts";
import { UsageError } from "../errors.ts";
import { type Dependent, dependentsOf } from "./dependents.ts";
import { type Key, tableOf } from "./key.ts";
import { keyAt, KEYS, keysNamed } from "./keys.ts";
import { nearestPath, unknownKey } from "./nearest_key.ts";
import { presetValues } from "./precedence.ts";
import { inToml } from "./values.ts";

/** A key in words, and as data. */
export interface Explanation {
  readonly key: string;
  readonly meaning: string;
  /** The kind of its values. */
  readonly type: string;
  readonly allowed: string;
  /** The value without any source, or how it follows from others. */
  readonly usual: string;
  /** Keys whose default is computed from this one. */
  readonly decides: readonly string[];
  /** Other keys whose default, meaning or limits this one changes, and how. */
  readonly dependents: readonly Dependent[];
}

/** Throws a UsageError that lists the keys of a table, if the name is one. */
function requireNoTable(name: string): void {
  const table = name === "arms" ? "arms.*" : name.replace(/^arms\.[^.*]+/, "arms.*"),
    inside = KEYS.filter(({ path }) => tableOf(path) === table);
  if (inside.length === 0) return;
  throw new UsageError(`${name} is a table, not a key`, {
    expected: `one of its keys: ${inside.map(({ path }) => path).join(", ")}`,
  });
}

/** Explains the key of a path, or the one key whose last part is the name. Throws UsageError with the nearest one. */
export function explainKey(name: string): Explanation {
  const named = keysNamed(name), key = keyAt(name) ?? named[0];
  if (key && named.length > 1 && !keyAt(name)) {
    const paths = named.map(({ path }) => path).join(", ");
    throw new UsageError(`several keys are named ${name}`, { expected: `one of ${paths}` });
  }
  if (!key) {
    requireNoTable(name);
    const { what, hint } = unknownKey(name, "", { meant: nearestPath(name) });
    throw new UsageError(what, { hint: hint ?? "hymba config explain lists all keys" });
  }
  return explained(key);
}

function typeInWords(type: ValueType): string {
  switch (type.kind) {
    case "whole":
      return "a whole number";
    case "number":
      return "a number";
    case "flag":
      return "true or false";
    case "choice":
      return "one of these words";
    case "text":
      return "a text";
    case "list":
      return `a list; of each item: ${typeInWords(type.of)}`;
    case "either":
      return type.of.map(typeInWords).join(", or ");
  }
}

/** The default of a key. Where presets have different values, it is said of each. */
function usualOf({ path, usual, follows }: Key): string {
  const byValue = new Map<string, string[]>();
  const note = (value: Value | undefined, preset: string) => {
    const words = value === undefined ? follows?.how ?? "" : inToml(value);
    byValue.set(words, [...byValue.get(words) ?? [], preset]);
  };
  // The default of match also depends on the suite, which its words say.
  if (path === "match") return follows?.how ?? "";
  for (const preset of PRESETS) note(presetValues(preset).get(path)?.value ?? usual, preset);
  const [[only] = [""], ...others] = byValue;
  return others.length === 0 ? only : [...byValue].map(([words, names]) => `${words} in ${listed(names)}`).join("; ");
}

/** Names in a row: a, b and c. */
const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;

const explained = (key: Key): Explanation => ({
  key: key.path,
  meaning: key.meaning,
  type: typeInWords(key.type),
  allowed: allowed(key.type),
  usual: usualOf(key),
  decides: KEYS.filter(({ follows }) => follows?.from.includes(key.path)).map(({ path }) => path),
  dependents: dependentsOf(key.path),
});

/** Every key with its meaning. */
export const explainAll = (): Explanation[] => KEYS.map(explained);
