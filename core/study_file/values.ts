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
  /** `items`: the places of the items of a list. */
  | ({ readonly kind: "file"; readonly file: string; readonly items?: readonly Place[] } & Place)
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
  /** The keys between whose values the fault is, where the values are allowed by themselves. */
  readonly keys?: readonly string[];
}

/** The place of a fault in a value with this origin. */
export const faultAt = (origin: Origin): string =>
  origin.kind === "file" ? `${origin.file}:${origin.line}:${origin.column}` : originInWords(origin);

/** The place of an item of a list with this origin. */
export const itemAt = (origin: Origin, item: number): string => {
  const place = origin.kind === "file" ? origin.items?.[item] : undefined;
  return faultAt(origin.kind === "file" && place ? { ...origin, ...place } : origin);
};

/** Whether the author of the study gave a value, not the program. */
export const isOwn = (values: Values, path: string): boolean =>
  ["file", "flag"].includes(values.get(path)?.origin.kind ?? "");

/**
 * Removes faults between values if one of the values was itself refused: its replacement proves nothing. If the preset was refused,
 * this holds for every value that would come from it.
 */
export function withoutConsequences(
  faults: readonly Fault[],
  { values, refused }: { values: Values; refused: ReadonlySet<string> },
): Fault[] {
  const isOpen = (path: string) =>
    refused.has(path) || refused.has("preset") && values.has(path) && !isOwn(values, path);
  return faults.filter(({ keys = [] }) => !keys.some(isOpen));
}

/** A value in TOML. All values are of JSON's kinds, and TOML writes these alike. */
export const inToml = (value: Value): string =>
  Array.isArray(value) ? `[${value.map(inToml).join(", ")}]` : JSON.stringify(value);

const numberInToml = (value: number): string =>
  Number.isFinite(value) ? String(value) : Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";

/** Any value of a TOML file as TOML writes it. Values of studies are numbers, texts, true, false, and lists of them. */
function inWords(value: unknown): string {
  if (typeof value === "number") return numberInToml(value);
  if (value instanceof Date) return `the date ${value.toISOString()}`;
  if (Array.isArray(value)) return `[${value.map(inWords).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? String(value);
  const named = ([key, own]: [string, unknown]) =>
    `${/^[\w-]+$/.test(key) ? key : JSON.stringify(key)} = ${inWords(own)}`;
  return `{ ${Object.entries(value).map(named).join(", ")} }`;
}

/** A value as TOML writes it; at most 80 characters. */
export const shown = (value: unknown): string => {
  const words = inWords(value);
  return words.length > 80 ? `${words.slice(0, 80)}…` : words;
};

/** The advice for one fault: how its key is explained, if it is about one. */
function hintFor({ what }: Fault): string {
  const [path = ""] = /^[\w.-]+/.exec(what) ?? [];
  return path.includes(".") ? HINT.replace("KEY", path).replace("a key means", "it means") : HINT;
}

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

/** The faults of a study, for callers that report those of several studies together. */
export class StudyFaults extends UsageError {
  constructor(readonly faults: readonly Fault[], ...[what, details]: ConstructorParameters<typeof UsageError>) {
    super(what, details);
  }
}

/** Most faults that are listed; the rest is counted. */
const MOST_LISTED = 1000;

/** Throws {@link StudyFaults} with every fault, each once, in the order of the file, if there is one. */
export function throwFaults(found: readonly Fault[]): void {
  const said = ({ at, what, expected, got }: Fault) => JSON.stringify([at, what, expected, got]);
  const faults = [...new Map(found.map((fault) => [said(fault), fault])).values()].toSorted(byPlace), [first] = faults;
  if (first === undefined) return;
  const { at, what, expected, got, hint = hintFor(first) } = first;
  if (faults.length === 1) throw new StudyFaults(faults, `${at}: ${what}`, { expected, got, hint });
  const lines = faults.slice(0, MOST_LISTED).map(({ at, what, expected, got, hint }) =>
    `  ${at}: ${what}${expected ? `; expected ${expected}` : ""}${got ? `; got ${got}` : ""}${hint ? `; ${hint}` : ""}`
  );
  const rest = faults.length > MOST_LISTED ? [`  and ${faults.length - MOST_LISTED} more`] : [];
  const all = [`the study has ${faults.length} faults`, ...lines, ...rest].join("\n");
  throw new StudyFaults(faults, all, { hint: HINT });
}
