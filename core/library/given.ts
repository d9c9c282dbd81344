/** Checks of what callers give, because programs in JavaScript have no type checker. */
import { UsageError } from "../errors.ts";

/** A value as an error shows it, in at most 200 characters. */
export function shown(value: unknown): string {
  if (typeof value === "function") return "a function";
  const text = JSON.stringify(value, (_, part: unknown) => typeof part === "bigint" ? `${part}n` : part);
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
