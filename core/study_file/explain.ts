/** Explains a key in a few lines. */
import { allowed } from "../config/mod.ts";
import { UsageError } from "../errors.ts";
import type { Key } from "./key.ts";
import { followersOf, keyAt, KEYS, keysNamed } from "./keys.ts";
import { unknownKey } from "./nearest_key.ts";
import { inToml } from "./values.ts";

/** A key in words, and as data. */
export interface Explanation {
  readonly key: string;
  readonly meaning: string;
  readonly allowed: string;
  readonly usual: string;
  /** Keys whose default is computed from this one. */
  readonly decides: readonly string[];
}

/** Explains the key of a path, or the one key whose last part is the name. Throws UsageError with the nearest one. */
export function explainKey(name: string): Explanation {
  const named = keysNamed(name), key = keyAt(name) ?? named[0];
  if (key && named.length > 1 && !keyAt(name)) {
    const paths = named.map(({ path }) => path).join(", ");
    throw new UsageError(`several keys are named ${name}`, { expected: `one of ${paths}` });
  }
  if (!key) {
    const { what, hint } = unknownKey(name, "");
    throw new UsageError(what, { hint: hint ?? "hymba config explain lists all keys" });
  }
  return explained(key);
}

const explained = ({ path, meaning, type, usual, follows }: Key): Explanation => ({
  key: path,
  meaning,
  allowed: allowed(type),
  usual: usual === undefined ? follows?.how ?? "" : inToml(usual),
  decides: followersOf(path).map((key) => key.path),
});

/** Every key with its meaning. */
export const explainAll = (): Explanation[] => KEYS.map(explained);
