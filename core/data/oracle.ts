/** Preference with an oracle: a property of a text that can be counted, and pairs of samples of which one has it. */
import { UsageError } from "../errors.ts";
import { at } from "../lists.ts";

/** What can be counted in a text. */
export const ATTRIBUTES = {
  "line-breaks": { words: "line breaks", of: (text: string): number => text.split("\n").length - 1 },
  "word-length": {
    words: "letters per word",
    of: (text: string): number => {
      const words = text.match(/\p{L}+/gu) ?? [];
      return words.length === 0 ? 0 : words.reduce((sum, word) => sum + [...word].length, 0) / words.length;
    },
  },
} as const;

/** The name of an attribute. */
export type Attribute = keyof typeof ATTRIBUTES;

/** What the oracle prefers: texts in which the attribute is at least so large. */
export interface Oracle {
  readonly attribute: Attribute;
  readonly least: number;
}

export const hasIt = ({ attribute, least }: Oracle, text: string): boolean => ATTRIBUTES[attribute].of(text) >= least;

/** The oracle whose preferred texts are nearest to half of these. Throws UsageError when all texts have the same value. */
export function oracleFor(attribute: Attribute, texts: readonly string[]): Oracle {
  const values = texts.map(ATTRIBUTES[attribute].of), bounds = [...new Set(values)].toSorted((a, b) => a - b).slice(1);
  const share = (least: number) => values.filter((value) => value >= least).length / values.length;
  const [least] = bounds.toSorted((a, b) => Math.abs(share(a) - 0.5) - Math.abs(share(b) - 0.5) || a - b);
  if (least !== undefined) return { attribute, least };
  throw new UsageError(`all samples have the same number of ${ATTRIBUTES[attribute].words}`, {
    hint: `choose another attribute: ${Object.keys(ATTRIBUTES).join(", ")}`,
  });
}

/** Two samples of one prompt, of which the first has what the oracle prefers. Log-probabilities are means per token. */
export interface Contest<T> {
  readonly pair: T;
  readonly chosenLogp: number;
  readonly rejectedLogp: number;
}

const lead = ({ chosenLogp, rejectedLogp }: Contest<unknown>) => chosenLogp - rejectedLogp;

/**
 * As many pairs whose chosen sample is the likelier one as pairs whose rejected one is, each with the unused partner whose lead is
 * nearest: so the preference cannot be read from the likelihood. The order of the pairs is kept.
 */
export function balanced<T>(contests: readonly Contest<T>[]): Contest<T>[] {
  const ahead = contests.filter((one) => lead(one) > 0), behind = contests.filter((one) => lead(one) <= 0);
  const [few, many] = ahead.length <= behind.length ? [ahead, behind] : [behind, ahead];
  const free = [...many], kept = new Set<Contest<T>>();
  const size = (one: Contest<T>) => Math.abs(lead(one));
  for (const one of few.toSorted((a, b) => size(b) - size(a))) {
    const nearest = free.reduce(
      (best, other, i) => Math.abs(size(other) - size(one)) < Math.abs(size(at(free, best)) - size(one)) ? i : best,
      0,
    );
    kept.add(one);
    kept.add(at(free.splice(nearest, 1), 0));
  }
  return contests.filter((one) => kept.has(one));
}
