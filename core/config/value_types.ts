/** The types of configured values: kind and range, for validators, files, flags and schemas. */

/** A value of a configuration or a study file. */
export type Value = string | number | boolean | readonly Value[];

export type ValueType =
  | { readonly kind: "whole"; readonly min: number; readonly max: number }
  | { readonly kind: "number"; readonly min: number; readonly max: number }
  | { readonly kind: "flag" }
  | { readonly kind: "choice"; readonly choices: readonly string[] }
  /** `pattern` is the source of a regular expression that the whole text matches; `words` say it. */
  | { readonly kind: "text"; readonly pattern?: string; readonly words?: string }
  | {
    readonly kind: "list";
    readonly of: ValueType;
    readonly min: number;
    readonly max: number;
    readonly words?: string;
  }
  | { readonly kind: "either"; readonly of: readonly ValueType[] };

export const whole = (max: number, min = 1): ValueType => ({ kind: "whole", min, max });
export const number = (min: number, max: number): ValueType => ({ kind: "number", min, max });
export const flag: ValueType = { kind: "flag" };
export const choice = (choices: readonly string[]): ValueType => ({ kind: "choice", choices });
export const text = (words: string, pattern?: string): ValueType => ({ kind: "text", words, pattern });
export const list = (
  of: ValueType,
  { min = 0, max, words }: { min?: number; max: number; words?: string },
): ValueType => ({
  kind: "list",
  of,
  min,
  max,
  words,
});
export const either = (...of: ValueType[]): ValueType => ({ kind: "either", of });

/** Longest text of a value, in UTF-16 units. */
const LONGEST_TEXT = 4096;

const inRange = (value: number, { min, max }: { min: number; max: number }) => value >= min && value <= max;

/** Whether a value, of any type, is one of this type. */
export function holds(type: ValueType, value: unknown): boolean {
  switch (type.kind) {
    case "whole":
      return Number.isInteger(value) && inRange(Number(value), type);
    case "number":
      return typeof value === "number" && inRange(value, type);
    case "flag":
      return typeof value === "boolean";
    case "choice":
      return typeof value === "string" && type.choices.includes(value);
    case "text":
      return typeof value === "string" && value.length <= LONGEST_TEXT &&
        (type.pattern === undefined || new RegExp(`^(?:${type.pattern})$`).test(value));
    case "list":
      return Array.isArray(value) && value.length >= type.min && value.length <= type.max &&
        value.every((item) => holds(type.of, item));
    case "either":
      return type.of.some((one) => holds(one, value));
  }
}

/** The allowed values of a type, for the "expected:" line of an error. */
export function allowed(type: ValueType): string {
  switch (type.kind) {
    case "whole":
      return `a whole number from ${type.min} to ${type.max}`;
    case "number":
      return `a number from ${type.min} to ${type.max}`;
    case "flag":
      return "true or false";
    case "choice":
      return type.choices.join(", ");
    case "text":
      return type.words ?? "a text";
    case "list":
      return type.words ?? `a list of ${type.min} to ${type.max} values, each ${allowed(type.of)}`;
    case "either":
      return type.of.map(allowed).join(", or ");
  }
}
