/** Preference with an oracle: a countable property of texts, and pairs of samples of which one has the property. */
import { UsageError } from "../errors.ts";
import { at } from "../lists.ts";

/** The countable properties of a text. */
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

/** The oracle prefers texts whose attribute is at least `least`. */
export interface Oracle {
  readonly attribute: Attribute;
  readonly least: number;
}

export const hasIt = ({ attribute, least }: Oracle, text: string): boolean => ATTRIBUTES[attribute].of(text) >= least;

/** The oracle that prefers as nearly as possible half of these texts. Throws UsageError when all texts have the same value. */
export function oracleFor(attribute: Attribute, texts: readonly string[]): Oracle {
  const values = texts.map(ATTRIBUTES[attribute].of), bounds = [...new Set(values)].toSorted((a, b) => a - b).slice(1);
  const share = (least: number) => values.filter((value) => value >= least).length / values.length;
  const [least] = bounds.toSorted((a, b) => Math.abs(share(a) - 0.5) - Math.abs(share(b) - 0.5) || a - b);
  if (least !== undefined) return { attribute, least };
  throw new UsageError(`all samples have the same number of ${ATTRIBUTES[attribute].words}`, {
    hint: `choose another attribute: ${Object.keys(ATTRIBUTES).join(", ")}`,
  });
}

/** Two samples of one prompt. The oracle prefers the first. Log-probabilities are means per token. */
export interface Contest<T> {
  readonly pair: T;
  readonly chosenLogp: number;
  readonly rejectedLogp: number;
}

const lead = ({ chosenLogp, rejectedLogp }: Contest<unknown>) => chosenLogp - rejectedLogp;

/**
 * Keeps equally many pairs in which the chosen and in which the rejected sample is more likely, so that likelihood does not
 * reveal the preference. Each pair of the smaller group is matched with the unused pair of the other group whose difference of
 * log-probabilities is closest. The order of the pairs is kept.
 */
export function balanced<T>(contests: readonly Contest<T>[]): Contest<T>[] {
  const ahead = contests.filter((one) => lead(one) > 0), behind = contests.filter((one) => lead(one) <= 0);
  const [smaller, larger] = ahead.length <= behind.length ? [ahead, behind] : [behind, ahead];
  const free = [...larger], kept = new Set<Contest<T>>();
  const size = (one: Contest<T>) => Math.abs(lead(one));
  for (const one of smaller.toSorted((a, b) => size(b) - size(a))) {
    const nearest = free.reduce(
      (best, other, i) => Math.abs(size(other) - size(one)) < Math.abs(size(at(free, best)) - size(one)) ? i : best,
      0,
    );
    kept.add(one);
    kept.add(at(free.splice(nearest, 1), 0));
  }
  return contests.filter((one) => kept.has(one));
}
