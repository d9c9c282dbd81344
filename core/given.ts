/** Checks of what callers give, because programs in JavaScript have no type checker. */
import { UsageError } from "./errors.ts";

/** A value as an error shows it, in at most 200 characters. */
export function shown(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value === "number") return String(value);
  const text = JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === "bigint") return `${part}n`;
    return typeof part === "number" && !Number.isFinite(part) ? String(part) : part;
  });
  return (text ?? String(value)).slice(0, 200);
}

/** Throws UsageError unless `holds`. */
export function requireGiven(
  holds: boolean,
  what: string,
  { expected, value }: { expected: string; value: unknown },
): void {
  if (!holds) throw new UsageError(what, { expected, got: shown(value) });
}

/** A path. Throws UsageError for anything but a string with characters. */
export function pathGiven(value: unknown, what: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw new UsageError(`${what}: the path is wrong`, { expected: "a path as a string", got: shown(value) });
}

/** Throws UsageError unless the options are an object or left out. */
export function requireOptions(value: unknown, what: string): void {
  const holds = value === undefined || (typeof value === "object" && value !== null && !Array.isArray(value));
  requireGiven(holds, `${what}: the options are wrong`, { expected: "an object", value });
}

/** A list or typed array. */
export const isList = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));

/** Throws UsageError unless the signal is an AbortSignal or left out. */
export function requireSignal(value: unknown, what: string): void {
  const holds = value === undefined || value instanceof AbortSignal;
  requireGiven(holds, `${what}: the signal is wrong`, { expected: "an AbortSignal", value });
}
