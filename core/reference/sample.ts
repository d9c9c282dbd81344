/** Drawing tokens, in float64 and by sorting. */
import { at } from "../lists.ts";
import { NOT_DRAWN } from "../ops/sample.ts";
import { STREAMS, uniform } from "../random.ts";
import type { Array64 } from "./typed_array.ts";
import type { Reference } from "./types.ts";

interface Settings {
  readonly topK: number;
  readonly temperature: number;
  readonly topP: number;
  readonly minP: number;
}

/** Of tokens by falling logit, how many may be drawn, and their weights relative to the first. */
function weightsOf(logits: readonly number[], { topK, temperature, topP, minP }: Settings): number[] {
  const highest = logits[0] ?? 0, kept = topK > 0 ? logits.slice(0, topK) : logits;
  const weights = kept.map((logit) => Math.exp((logit - highest) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let count = 1;
  for (let mass = at(weights, 0); count < weights.length && mass < topP * total; count++) mass += at(weights, count);
  const nucleus = topP < 1 ? weights.slice(0, count) : weights;
  return nucleus.filter((weight) => weight >= minP);
}

/** The index of the draw. `uniform` is in [0, 1). */
function drawn(weights: readonly number[], uniform: number): number {
  let left = uniform * weights.reduce((sum, weight) => sum + weight, 0);
  for (const [index, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return index;
  }
  return weights.length - 1;
}

/** The four f32 whose bits are the words of sequence b from 4 on. */
const realsOf = (words: Array64, b: number): Float32Array =>
  new Float32Array(Uint32Array.from([4, 5, 6, 7], (i) => words.at(b, i)).buffer);

/** Logits after the repetition penalty. */
function penalised(logits: Array64, seen: Array64, { b, V, penalty }: { b: number; V: number; penalty: number }) {
  return Array.from({ length: V }, (_, v) => {
    const logit = logits.at(b, v);
    if (seen.at(b, v) === 0) return logit;
    return logit > 0 ? logit / penalty : logit * penalty;
  });
}

export const sample: Reference<"sample"> = (reads, { B, V, rows }) => {
  const { logits, settings: words } = reads, token = reads.position.copy();
  const position = reads.position.copy(), turn = reads.turn.copy(), seen = reads.seen.copy();
  const history = reads.history.copy();
  for (let b = 0; b < B; b++) {
    const [temperature = 1, topP = 1, minP = 0, penalty = 1] = realsOf(words, b);
    const settings = { topK: words.at(b, 3), temperature, topP, minP },
      seed = words.at(b, 0) + words.at(b, 1) * 2 ** 32;
    const values = penalised(logits, seen, { b, V, penalty }), t = turn.at(b);
    const finite = values.every(Number.isFinite);
    const order = values.map((_, id) => id).sort((x, y) => (values[y] ?? 0) - (values[x] ?? 0) || x - y);
    const u = uniform({ seed, stream: STREAMS.sampling, step: words.at(b, 2) }, t);
    const sorted = order.map((id) => values[id] ?? 0);
    const place = settings.temperature === 0
      ? 0
      : drawn(weightsOf(sorted, settings), Math.floor(u * 2 ** 24) / 2 ** 24);
    const id = finite ? order[place] ?? 0 : 0;
    token.set(id, b);
    if (finite) seen.set(1, b, id);
    history.set(finite ? id : NOT_DRAWN, t % rows, b);
    position.add(1, b);
    turn.add(1, b);
  }
  return { token, position, turn, seen, history };
};
