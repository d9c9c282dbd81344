import type { Dice } from "./dice.ts";

/** Values that are never valid for a field, or are edge cases. */
const NONSENSE = [0, -1, 0.5, 1e300, 2 ** 31, "x", "", "../..", "\u0000", null, [], {}, [[]], true, "__proto__", "NaN"];

/** A tree of JSON in which one value, anywhere, is replaced by nonsense, removed, or given a second name. */
export function spoilt(root: unknown, dice: Dice): unknown {
  let here = root;
  while (typeof here === "object" && here !== null) {
    const keys = Object.keys(here);
    if (keys.length === 0) return root;
    const key = dice.pick(keys), next: unknown = Reflect.get(here, key);
    if (typeof next !== "object" || next === null || dice.once(4)) {
      const way = dice.below(8);
      if (way === 0) Reflect.deleteProperty(here, key);
      else if (way === 1) Reflect.set(here, "metaTokens", next);
      else Reflect.set(here, key, dice.pick(NONSENSE));
      return root;
    }
    here = next;
  }
  return root;
}
