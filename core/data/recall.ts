/** Multi-query associative recall at controlled distances: made-up sequences in which a key has to be answered by its value. */
import { HymbaError } from "../errors.ts";
import { type Counter, permutation, randomInteger, STREAMS } from "../random.ts";
import { type Batch, emptyBatch } from "./batches.ts";

/** What the sequences look like. Tokens: keys first, then values, then fillers. */
export interface RecallTask {
  readonly keys: number;
  readonly values: number;
  readonly fillers: number;
  /** T: tokens of a sequence, an even number. */
  readonly length: number;
  /** Ranges of tokens from a pair to its query, even numbers, ends included. A sequence has `perRange` queries in each. */
  readonly ranges: readonly (readonly [least: number, most: number])[];
  readonly perRange: number;
}

/** Tokens that a model of the task has to know. */
export const recallVocabulary = ({ keys, values, fillers }: RecallTask): number => keys + values + fillers;

/** A query of a batch: where its key stands, in [0, B · T), and which range its distance was drawn from. */
export interface Query {
  readonly at: number;
  readonly range: number;
}

export interface RecallBatch extends Batch {
  readonly queries: readonly Query[];
}

/** Most tries to find places for the pairs and queries of one sequence. */
const TRIES = 1000;

/** Draws whole numbers below a bound, one after the other. */
function dice(counter: Counter): (below: number) => number {
  let drawn = 0;
  return (below) => randomInteger(counter, drawn++, below);
}

interface Place {
  readonly range: number;
  /** In slots of two tokens. */
  readonly pair: number;
  readonly query: number;
}

/** Slots for pairs and queries such that none is taken twice; far pairs are placed first, because they fit in few places. */
function places({ length, ranges, perRange }: RecallTask, roll: (below: number) => number): Place[] {
  const slots = length / 2;
  const order = ranges.flatMap((_, range) => Array<number>(perRange).fill(range)).sort((a, b) =>
    ranges[b]![1] - ranges[a]![1]
  );
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const free = new Set(Array.from({ length: slots }, (_, slot) => slot)), found: Place[] = [];
    for (const range of order) {
      const [least, most] = ranges[range]!, apart = (least + 2 * roll((most - least) / 2 + 1)) / 2;
      const fits = [...free].filter((slot) => free.has(slot + apart));
      if (fits.length === 0) break;
      const pair = fits[roll(fits.length)]!;
      free.delete(pair), free.delete(pair + apart);
      found.push({ range, pair, query: pair + apart });
    }
    if (found.length === order.length) return found;
  }
  throw new HymbaError("recall: the pairs and queries of a sequence do not fit into it", {
    expected: `${2 * order.length} places among ${slots}`,
  });
}

/**
 * B sequences of T tokens, a pure function of seed and step: for each query a key and its value, and a distance later the same
 * key and value; everything else is filler. No key occurs twice in a sequence but for its query. Only answers have weight:
 * at a query's key the target is its value. Throws a HymbaError when a sequence has no room for its queries.
 */
export function recallBatch(
  task: RecallTask,
  { B, seed, step }: { B: number; seed: number; step: number },
): RecallBatch {
  const { keys, values, fillers, length: T } = task, batch = emptyBatch(B, T), queries: Query[] = [];
  for (let row = 0; row < B; row++) {
    const counter = { seed, stream: STREAMS.probe, step: step * B + row }, roll = dice(counter);
    const names = permutation(keys, { ...counter, seed: seed + 2 ** 33 });
    const ids = Uint32Array.from({ length: T }, () => keys + values + (fillers > 1 ? roll(fillers) : 0));
    for (const [i, { range, pair, query }] of places(task, roll).entries()) {
      const answered = [names[i]!, keys + roll(values)];
      ids.set(answered, 2 * pair);
      ids.set(answered, 2 * query);
      batch.weight[row * T + 2 * query] = 1;
      queries.push({ at: row * T + 2 * query, range });
    }
    batch.ids.set(ids, row * T);
    batch.targets.set(ids.subarray(1), row * T);
  }
  return { ...batch, queries };
}
