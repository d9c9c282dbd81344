/** Baselines: the losses of unigram and bigram counts on the same tokens as the models. */
import { at } from "../lists.ts";
import { pairsIn, piecesIn, predictedTokens, type Text } from "./parts.ts";

/** Training tokens that are counted at most: the counts of pairs have to fit into memory. */
export const COUNTED_TOKENS = 2 ** 24;

/** The number of times that each id below V occurs in the first tokens. */
function countsOf(text: Text, V: number): Float64Array {
  const counts = new Float64Array(V), add = (id: number) => void (counts[id] = at(counts, id) + 1);
  for (const [start] of piecesIn(text)) if (start < COUNTED_TOKENS) add(at(text.tokens.subarray(start, start + 1), 0));
  for (const [, id] of pairsIn(text, { most: COUNTED_TOKENS })) add(id);
  return counts;
}

/** Probabilities [V] of single tokens. One is added to each count, so that no token is impossible. */
function unigramModel(text: Text, V: number): Float64Array {
  const all = Math.min(text.tokens.length, COUNTED_TOKENS);
  return countsOf(text, V).map((count) => (count + 1) / (all + V));
}

/** Nats per token of the unigram model of `train` on all tokens of `held` except the first of each piece. */
export function unigramLoss({ train, held }: { train: Text; held: Text }, V: number): number {
  const p = unigramModel(train, V);
  let sum = 0;
  for (const [, id] of pairsIn(held)) sum -= Math.log(at(p, id));
  return sum / predictedTokens(held);
}

/** How often each token is followed by another one, by how many different ones, and how often by each. */
function bigramCounts(train: Text, V: number) {
  const counts = new Float64Array(V), kinds = new Float64Array(V), pairs = new Map<number, number>();
  for (const [a, b] of pairsIn(train, { most: COUNTED_TOKENS })) {
    const key = a * V + b, before = pairs.get(key) ?? 0;
    counts[a] = at(counts, a) + 1;
    pairs.set(key, before + 1);
    if (before === 0) kinds[a] = at(kinds, a) + 1;
  }
  return { counts, kinds, pairs };
}

/**
 * Nats per token of an interpolated bigram model: p(b | a) = (count(a, b) + kinds(a) · unigram(b)) / (count(a) + kinds(a)),
 * where kinds(a) is the number of distinct tokens after a. Source: Witten and Bell, "The zero-frequency problem", 1991.
 */
export function bigramLoss({ train, held }: { train: Text; held: Text }, V: number): number {
  const unigram = unigramModel(train, V), { counts, kinds, pairs } = bigramCounts(train, V);
  let sum = 0;
  for (const [a, b] of pairsIn(held)) {
    const count = at(counts, a), weight = at(kinds, a), p = at(unigram, b);
    sum -= Math.log(count === 0 ? p : ((pairs.get(a * V + b) ?? 0) + weight * p) / (count + weight));
  }
  return sum / predictedTokens(held);
}
