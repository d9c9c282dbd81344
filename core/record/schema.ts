/**
 * Shapes that values out of files must have before the program believes their types. A rule throws a HymbaError with the path
 * of the first value that breaks it, what was expected and what was found.
 */
import { HymbaError, quoted } from "../errors.ts";

/** Throws unless the value is as the rule says. `path` is what errors call it. */
export type Rule = (value: unknown, path: string) => void;

/** A value as an error shows it: short, and never walked into. */
function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === "object" && value !== null ? "an object" : quoted(String(value));
}

export function refuse(path: string, expected: string, got: unknown): never {
  throw new HymbaError(`${path} is not what it should be`, {
    expected,
    got: shown(got),
    hint: "the file is damaged or was not written by this program",
  });
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A finite number in [min, max]. */
export const number = ({ min = -Infinity, max = Infinity } = {}): Rule => (value, path) => {
  if (typeof value === "number" && Number.isFinite(value) && value >= min && value <= max) return;
  refuse(path, `a number${min > -Infinity || max < Infinity ? ` from ${min} to ${max}` : ""}`, value);
};

/** A whole number in [min, max]. */
export const whole = ({ min = 0, max = Number.MAX_SAFE_INTEGER } = {}): Rule => (value, path) => {
  if (Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max) return;
  refuse(path, `a whole number from ${min} to ${max}`, value);
};

/** Longest text of a field unless it says otherwise, in UTF-16 units. */
const TEXT = 4096;

export const text = ({ max = TEXT } = {}): Rule => (value, path) => {
  if (typeof value !== "string" || value.length > max) refuse(path, `a text of at most ${max} characters`, value);
};

export const oneOf = (choices: readonly unknown[]): Rule => (value, path) => {
  if (!choices.includes(value)) refuse(path, choices.join(", "), value);
};

export const list = (each: Rule, { min = 0, max }: { min?: number; max: number }): Rule => (value, path) => {
  if (!Array.isArray(value) || value.length < min || value.length > max) {
    refuse(path, `a list of ${min} to ${max}`, value);
  }
  for (const [i, item] of value.entries()) each(item, `${path}[${i}]`);
};

/** An object with these fields; those in `optional` may be missing. Fields that it does not name are left alone. */
export const object = (fields: Record<string, Rule>, optional: Record<string, Rule> = {}): Rule => (value, path) => {
  if (!isObject(value)) refuse(path, "an object", value);
  const own = (name: string) => Object.hasOwn(value, name) ? value[name] : undefined;
  for (const [name, rule] of Object.entries(fields)) rule(own(name), `${path}.${name}`);
  for (const [name, rule] of Object.entries(optional)) if (own(name) !== undefined) rule(own(name), `${path}.${name}`);
};

/** An object whose every value follows one rule. */
export const mapOf = (each: Rule, { max }: { max: number }): Rule => (value, path) => {
  if (!isObject(value) || Object.keys(value).length > max) refuse(path, `an object of at most ${max} fields`, value);
  for (const [name, item] of Object.entries(value)) each(item, `${path}[${quoted(name)}]`);
};

/** The value if one of two rules holds: a text or a number, say. */
export const either = (one: Rule, other: Rule): Rule => (value, path) => {
  try {
    one(value, path);
  } catch {
    other(value, path);
  }
};
