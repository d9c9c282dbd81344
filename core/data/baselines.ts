/** Baselines: the losses of unigram and bigram counts on the same tokens as the models. */
import { at } from "../lists.ts";
import { type Part, piecesIn, predictedTokens } from "./parts.ts";

/** The number of times that each id below V occurs in the tokens. */
function countsOf(tokens: Uint32Array, V: number): Float64Array {
  const counts = new Float64Array(V);
  for (const id of tokens) counts[id] = at(counts, id) + 1;
  return counts;
}

/** Probabilities [V] of single tokens. One is added to each count, so that no token is impossible. */
const unigramModel = (tokens: Uint32Array, V: number): Float64Array =>
  countsOf(tokens, V).map((count) => (count + 1) / (tokens.length + V));

type Tokens = Pick<Part, "tokens" | "starts">;

/** Nats per token of the unigram model of `train` on all tokens of `held` except the first of each piece. */
export function unigramLoss({ train, held }: { train: Tokens; held: Tokens }, V: number): number {
  const p = unigramModel(train.tokens, V);
  let sum = 0;
  for (const [, id] of pairsIn(held)) sum -= Math.log(at(p, id));
  return sum / predictedTokens(held);
}

/** Every token with the one before it in its piece. */
function* pairsIn(part: Tokens): Generator<readonly [before: number, id: number]> {
  for (const [start, end] of piecesIn(part)) {
    for (let i = start + 1; i < end; i++) yield [at(part.tokens, i - 1), at(part.tokens, i)];
  }
}

/** How often each token is followed by another one, by how many different ones, and how often by each. */
function bigramCounts(train: Tokens, V: number) {
  const counts = new Float64Array(V), kinds = new Float64Array(V), pairs = new Map<number, number>();
  for (const [a, b] of pairsIn(train)) {
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
export function bigramLoss({ train, held }: { train: Tokens; held: Tokens }, V: number): number {
  const unigram = unigramModel(train.tokens, V), { counts, kinds, pairs } = bigramCounts(train, V);
  let sum = 0;
  for (const [a, b] of pairsIn(held)) {
    const count = at(counts, a), weight = at(kinds, a), p = at(unigram, b);
    sum -= Math.log(count === 0 ? p : ((pairs.get(a * V + b) ?? 0) + weight * p) / (count + weight));
  }
  return sum / predictedTokens(held);
}
