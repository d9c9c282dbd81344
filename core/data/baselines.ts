/** What counting alone achieves on the same tokens: the yardstick every model is printed beside. */

/** Counts of single tokens with one added to each, so that none is impossible. */
function unigramModel(tokens: Uint32Array, V: number): Float64Array {
  const counts = new Float64Array(V).fill(1);
  for (const id of tokens) counts[id]!++;
  return counts.map((count) => count / (tokens.length + V));
}

/** Nats per token of the unigram model of `train` on all tokens of `validation` but the first. */
export function unigramLoss({ train, validation }: { train: Uint32Array; validation: Uint32Array }, V: number): number {
  const p = unigramModel(train, V);
  let sum = 0;
  for (let i = 1; i < validation.length; i++) sum -= Math.log(p[validation[i]!]!);
  return sum / (validation.length - 1);
}

/**
 * Nats per token of an interpolated bigram model: p(b | a) = (count(a, b) + kinds(a) · unigram(b)) / (count(a) + kinds(a)),
 * where kinds(a) is the number of different tokens seen after a. Source: Witten and Bell, "The zero-frequency problem", 1991.
 */
export function bigramLoss({ train, validation }: { train: Uint32Array; validation: Uint32Array }, V: number): number {
  const unigram = unigramModel(train, V);
  const pairs = new Map<number, number>(), follows = new Float64Array(V), kinds = new Float64Array(V);
  for (let i = 1; i < train.length; i++) {
    const a = train[i - 1]!, key = a * V + train[i]!, seen = pairs.get(key) ?? 0;
    pairs.set(key, seen + 1);
    follows[a]!++;
    if (seen === 0) kinds[a]!++;
  }
  let sum = 0;
  for (let i = 1; i < validation.length; i++) {
    const a = validation[i - 1]!, b = validation[i]!, back = unigram[b]!;
    const p = follows[a] === 0 ? back : ((pairs.get(a * V + b) ?? 0) + kinds[a]! * back) / (follows[a]! + kinds[a]!);
    sum -= Math.log(p);
  }
  return sum / (validation.length - 1);
}
