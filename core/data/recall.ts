/** Multi-query associative recall: synthetic sequences in which a model sees a key again and has to predict its value. */
import { counted, HymbaError } from "../errors.ts";
import { at } from "../lists.ts";
import { type Counter, permutation, randomInteger, STREAMS } from "../random.ts";
import { type Batch, emptyBatch } from "./batches.ts";

/** The sizes of a task. Token ids are in the order keys, values, fillers. */
export interface RecallTask {
  readonly keys: number;
  readonly values: number;
  readonly fillers: number;
  /** T: tokens per sequence, an even number. */
  readonly length: number;
  /** Distances from a pair to its query: even numbers of tokens, ends included. A sequence has `perRange` queries per range. */
  readonly ranges: readonly (readonly [least: number, most: number])[];
  readonly perRange: number;
}

/** The vocabulary size of a task. */
export const recallVocabulary = ({ keys, values, fillers }: RecallTask): number => keys + values + fillers;

/** A query of a batch: the index of its key in [0, B · T), and the index of the range of its distance. */
export interface Query {
  readonly at: number;
  readonly range: number;
}

export interface RecallBatch extends Batch {
  readonly queries: readonly Query[];
}

/** The most attempts to place the pairs and queries of one sequence. */
const TRIES = 1000;

/** A stream of random whole numbers, each below its own bound. */
function dice(counter: Counter): (below: number) => number {
  let drawn = 0;
  return (below) => randomInteger(counter, drawn++, below);
}

/** The slots of a pair and of its query. A slot holds two tokens. */
interface Place {
  readonly range: number;
  readonly pair: number;
  readonly query: number;
}

/** Random slots for pairs and queries, each used once. Pairs with large distances fit in few places, so they come first. */
function places({ length, ranges, perRange }: RecallTask, roll: (below: number) => number): Place[] {
  const slots = length / 2;
  const order = [...ranges.entries()].flatMap(([range, limits]) =>
    Array.from({ length: perRange }, () => ({ range, limits }))
  )
    .toSorted((a, b) => b.limits[1] - a.limits[1]);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const free = new Set(Array.from({ length: slots }, (_, slot) => slot)), found: Place[] = [];
    for (const { range, limits: [least, most] } of order) {
      const distance = (least + 2 * roll((most - least) / 2 + 1)) / 2;
      const fits = [...free].filter((slot) => free.has(slot + distance));
      if (fits.length === 0) break;
      const pair = at(fits, roll(fits.length)), query = pair + distance;
      free.delete(pair);
      free.delete(query);
      found.push({ range, pair, query });
    }
    if (found.length === order.length) return found;
  }
  throw new HymbaError("recall: a sequence is too short for its pairs and queries", {
    expected: `at least ${4 * order.length} tokens`,
    got: counted(length, "token"),
  });
}

/**
 * B sequences of T tokens, a pure function of seed and step. Each query is a key and its value, followed at the query's distance
 * by the same key and value. All other tokens are filler. Each key occurs only in its pair and its query. The target at the
 * query's key is the value; only these targets have weight 1. Throws a HymbaError when a sequence is too short for its queries.
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
      const keyAndValue = [at(names, i), keys + roll(values)];
      ids.set(keyAndValue, 2 * pair);
      ids.set(keyAndValue, 2 * query);
      batch.weight[row * T + 2 * query] = 1;
      queries.push({ at: row * T + 2 * query, range });
    }
    batch.ids.set(ids, row * T);
    batch.targets.set(ids.subarray(1), row * T);
  }
  return { ...batch, queries };
}
