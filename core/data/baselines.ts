/** Baselines: the losses of unigram and bigram counts on the same tokens as the models. */
import { at } from "../lists.ts";

/** The number of times that each id below V occurs in the tokens. */
function countsOf(tokens: Uint32Array, V: number): Float64Array {
  const counts = new Float64Array(V);
  for (const id of tokens) counts[id] = at(counts, id) + 1;
  return counts;
}

/** Probabilities [V] of single tokens. One is added to each count, so that no token is impossible. */
const unigramModel = (tokens: Uint32Array, V: number): Float64Array =>
  countsOf(tokens, V).map((count) => (count + 1) / (tokens.length + V));

/** Nats per token of the unigram model of `train` on all tokens of `validation` except the first. */
export function unigramLoss({ train, validation }: { train: Uint32Array; validation: Uint32Array }, V: number): number {
  const p = unigramModel(train, V), predicted = validation.subarray(1);
  let sum = 0;
  for (const id of predicted) sum -= Math.log(at(p, id));
  return sum / predicted.length;
}

/**
 * Nats per token of an interpolated bigram model: p(b | a) = (count(a, b) + kinds(a) · unigram(b)) / (count(a) + kinds(a)),
 * where kinds(a) is the number of distinct tokens after a. Source: Witten and Bell, "The zero-frequency problem", 1991.
 */
export function bigramLoss({ train, validation }: { train: Uint32Array; validation: Uint32Array }, V: number): number {
  const unigram = unigramModel(train, V), counts = countsOf(train.subarray(0, -1), V);
  const pairs = new Map<number, number>(), kinds = new Float64Array(V);
  for (let i = 1; i < train.length; i++) {
    const a = at(train, i - 1), key = a * V + at(train, i), before = pairs.get(key) ?? 0;
    pairs.set(key, before + 1);
    if (before === 0) kinds[a] = at(kinds, a) + 1;
  }
  let sum = 0;
  for (let i = 1; i < validation.length; i++) {
    const a = at(validation, i - 1),
      b = at(validation, i),
      count = at(counts, a),
      weight = at(kinds, a),
      p = at(unigram, b);
    sum -= Math.log(count === 0 ? p : ((pairs.get(a * V + b) ?? 0) + weight * p) / (count + weight));
  }
  return sum / (validation.length - 1);
}
