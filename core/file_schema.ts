/**
 * Schemas of values from files. `readAs` checks a value against its schema. The type is inferred from the schema, so the two
 * cannot disagree. Every part of a schema describes in words what it expects.
 */
import * as v from "valibot";
import { HymbaError, quoted } from "./errors.ts";

/** A type with all parts read-only, at any depth. */
type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

/** The type of a value that a schema has accepted. */
export type Checked<S extends v.GenericSchema> = Frozen<v.InferOutput<S>>;

/** A value in an error: short, without the parts of lists and objects. */
function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === "object" && value !== null ? "an object" : quoted(String(value));
}

/** Throws the error for a wrong value. `path` is the file and the place in it. */
export function refuse(path: string, expected: string, got: unknown): never {
  throw new HymbaError(`${path} is not what it should be`, {
    expected,
    got: shown(got),
    hint: "the file is damaged or was not written by this program",
  });
}

/** The place of an issue in an error: `.name` for a plain key, `[0]` for an item, `["a b"]` for any other key. */
function placeOf(issue: v.BaseIssue<unknown>): string {
  return (issue.path ?? []).map(({ key }) =>
    typeof key === "number" ? `[${key}]` : /^\w+$/.test(String(key)) ? `.${key}` : `[${quoted(String(key))}]`
  ).join("");
}

/** The first issue of a value; undefined if the schema accepts it. */
const firstIssue = (schema: v.GenericSchema, value: unknown): v.BaseIssue<unknown> | undefined =>
  v.safeParse(schema, value, { abortEarly: true }).issues?.[0];

/**
 * Returns the value with the type of the schema. Fields that are not in the schema are kept. Throws a HymbaError with
 * `path` and the place of the first wrong part, what was expected there and what was found.
 */
export function readAs<S extends v.GenericSchema>(schema: S, value: unknown, path: string): Checked<S> {
  const issue = firstIssue(schema, value);
  if (issue) refuse(`${path}${placeOf(issue)}`, issue.message, issue.input);
  return value as Checked<S>;
}

/** Whether the schema accepts a value. */
export const accepts = <S extends v.GenericSchema>(schema: S, value: unknown): value is Checked<S> =>
  v.is(schema, value);

/** An object; null and lists are refused. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A finite number in [min, max]. */
export function number({ min = -Infinity, max = Infinity } = {}) {
  const words = `a number${min > -Infinity || max < Infinity ? ` from ${min} to ${max}` : ""}`;
  return v.pipe(v.number(words), v.finite(words), v.minValue(min, words), v.maxValue(max, words));
}

/** A whole number in [min, max]. */
export function whole({ min = 0, max = Number.MAX_SAFE_INTEGER } = {}) {
  const words = `a whole number from ${min} to ${max}`;
  return v.pipe(v.number(words), v.safeInteger(words), v.minValue(min, words), v.maxValue(max, words));
}

/** Default limit on the length of a text field (UTF-16 units). */
const TEXT = 4096;

export function text({ max = TEXT } = {}) {
  const words = `a text of at most ${max} characters`;
  return v.pipe(v.string(words), v.maxLength(max, words));
}

/** A text that matches a regular expression. `words` describe it in errors. */
export const pattern = (expression: RegExp, words: string) => v.pipe(v.string(words), v.regex(expression, words));

/** A SHA-256 in lower-case hexadecimal. */
export const digest = pattern(/^[0-9a-f]{64}$/, "a SHA-256 in hexadecimal");

export const oneOf = <const T extends string | number | boolean>(choices: readonly T[]) =>
  v.union(choices.map((choice) => v.literal(choice)), choices.join(", "));

/** A list of at least `min` and at most `max` items. Its length is checked before its items. */
export function list<S extends v.GenericSchema>(each: S, { min = 0, max }: { min?: number; max: number }) {
  const fits = (value: unknown) => Array.isArray(value) && value.length >= min && value.length <= max;
  return v.pipe(v.custom<v.InferInput<S>[]>(fits, `a list of ${min} to ${max}`), v.array(each));
}

/** A list of two items. */
export const pairOf = <S extends v.GenericSchema>(each: S) => v.strictTuple([each, each], "a list of 2");

/** An object with these fields. `optional` fields may be missing. Other fields are ignored. */
export function object<E extends v.ObjectEntries>(fields: E) {
  // The error for a missing field uses the words of the field's schema.
  const missing = ({ path }: v.ObjectIssue) => {
    const field = fields[String(path?.[0].key)];
    return (field && firstIssue(field, undefined)?.message) ?? "a value";
  };
  return v.pipe(v.custom<v.InferInput<v.ObjectSchema<E, undefined>>>(isObject, "an object"), v.object(fields, missing));
}

export const optional = <S extends v.GenericSchema>(schema: S) => v.optional(schema);

export const nullOr = <S extends v.GenericSchema>(schema: S) => v.nullable(schema);

/** A value that one of the schemas accepts. */
export const either = <A extends v.GenericSchema, B extends v.GenericSchema>(one: A, other: B, words: string) =>
  v.union([one, other], words);

/** Names that valibot skips, because every object has a member of this name. */
const RESERVED = ["__proto__", "prototype", "constructor"];

/** An object with at most `max` fields, all with the same schema. */
export function mapOf<S extends v.GenericSchema>(each: S, { max }: { max: number }) {
  const fits = (value: unknown) =>
    isObject(value) && Object.keys(value).length <= max && !RESERVED.some((name) => Object.hasOwn(value, name));
  const words = `an object of at most ${max} fields`;
  return v.pipe(v.custom<Record<string, v.InferInput<S>>>(fits, words), v.record(v.string(), each));
}

/** A value that a function accepts. `words` describe it in errors. */
export const custom = <T>(is: (value: unknown) => boolean, words: string) => v.custom<T>(is, words);

/** A number of a measurement. NaN and infinity, which JSON cannot hold, were written as null and are read as such. */
export const measure = v.custom<number>((value) => value === null || Number.isFinite(value), "a number");
