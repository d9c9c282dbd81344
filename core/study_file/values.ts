/** Values of a study with the origin of each, and the faults of given values. */
import type { Value } from "../config/mod.ts";
import { UsageError } from "../errors.ts";
import type { Place } from "./places.ts";

/** Where a value comes from. */
export type Origin =
  | { readonly kind: "usual" }
  /** It follows from another value, `rule`, in words. */
  | { readonly kind: "rule"; readonly rule: string }
  | { readonly kind: "preset"; readonly name: string }
  | ({ readonly kind: "file"; readonly file: string } & Place)
  /** `flag`: as it is written, such as --rate. */
  | { readonly kind: "flag"; readonly flag: string };

export interface Given {
  readonly value: Value;
  readonly origin: Origin;
}

/** By path. */
export type Values = ReadonlyMap<string, Given>;

/** An origin as `config show` and run.json say it. */
export function originInWords(origin: Origin): string {
  switch (origin.kind) {
    case "usual":
      return "usual value";
    case "rule":
      return origin.rule;
    case "preset":
      return `preset ${origin.name}`;
    case "file":
      return `${origin.file}:${origin.line}`;
    case "flag":
      return origin.flag;
  }
}

/** The origins of all values that are not the usual ones, by key, as run.json keeps them. */
export const originsOf = (values: Values): Record<string, string> =>
  Object.fromEntries(
    [...values].filter(([, { origin }]) => origin.kind !== "usual").map(([path, { origin }]) => [
      path,
      originInWords(origin),
    ]),
  );

/** Something that was given and cannot be. */
export interface Fault {
  /** FILE:LINE:COLUMN, or the flag. */
  readonly at: string;
  readonly what: string;
  readonly expected?: string;
  readonly got?: string;
  readonly hint?: string;
}

/** The place of a fault in a value with this origin. */
export const faultAt = (origin: Origin): string =>
  origin.kind === "file" ? `${origin.file}:${origin.line}:${origin.column}` : originInWords(origin);

const inWords = (value: unknown): string =>
  typeof value === "number" ? String(value) : JSON.stringify(value) ?? String(value);

/** A value as TOML writes it, which for all values of a study is JSON as well; at most 80 characters. */
export const shown = (value: unknown): string => {
  const words = value instanceof Date ? `the date ${value.toISOString()}` : inWords(value);
  return words.length > 80 ? `${words.slice(0, 80)}…` : words;
};

const HINT = "hymba config explain KEY says what a key means and what it allows";

/** Line and column of a fault in a file; those of flags come behind all lines. */
function placeOf({ at }: Fault): readonly [line: number, column: number] {
  const [, line = Infinity, column = 0] = /:(\d+):(\d+)$/.exec(at) ?? [];
  return [Number(line), Number(column)];
}

function byPlace(a: Fault, b: Fault): number {
  const [line, column] = placeOf(a), [other, otherColumn] = placeOf(b);
  return line === other ? column - otherColumn : line < other ? -1 : 1;
}

/** Throws a UsageError with every fault in the order of the file, if there is one. */
export function throwFaults(found: readonly Fault[]): void {
  const faults = found.toSorted(byPlace), [first] = faults;
  if (first === undefined) return;
  const { at, what, hint = HINT, ...details } = first;
  if (faults.length === 1) throw new UsageError(`${at}: ${what}`, { ...details, hint });
  const lines = faults.map(({ at, what, expected, got, hint }) =>
    `  ${at}: ${what}${expected ? `; expected ${expected}` : ""}${got ? `; got ${got}` : ""}${hint ? `; ${hint}` : ""}`
  );
  throw new UsageError(`the study has ${faults.length} faults\n${lines.join("\n")}`, { hint: HINT });
}
