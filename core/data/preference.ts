/** Preference pairs: a prompt with its true continuation (chosen) and a generated or shuffled one (rejected). */
import { UsageError } from "../errors.ts";
import { at, present } from "../lists.ts";
import { orderOf, permutation, randomInteger, STREAMS } from "../random.ts";
import { emptyBatch } from "./batches.ts";
import { piecesIn, type Text } from "./parts.ts";

/** Token ids. Chosen and rejected continuations have the same length. */
export interface Pair {
  readonly prompt: Uint32Array;
  readonly chosen: Uint32Array;
  readonly rejected: Uint32Array;
}

export interface Excerpt {
  readonly prompt: Uint32Array;
  readonly continuation: Uint32Array;
}

/**
 * `count` random excerpts, each of one piece of the text. They overlap only if the text is too short for `count` of them.
 * `part` selects an independent random stream. Throws a UsageError when the text is shorter than one excerpt.
 */
export function excerpts(
  text: Text,
  { count, prompt, completion, seed, part }: {
    count: number;
    prompt: number;
    completion: number;
    seed: number;
    part: number;
  },
): Excerpt[] {
  const length = prompt + completion, pieces: { first: number; start: number }[] = [];
  let windows = 0;
  for (const [start, end] of piecesIn(text)) {
    pieces.push({ first: windows, start });
    windows += Math.floor((end - start) / length);
  }
  if (windows < 1) {
    throw new UsageError("the corpus is too short for a preference pair", {
      expected: `${length} tokens`,
      got: `${text.tokens.length}`,
    });
  }
  const order = orderOf(windows, { seed, stream: STREAMS.preference, step: part });
  return Array.from({ length: count }, (_, i) => {
    const window = order(i % windows);
    const piece = present(pieces.findLast(({ first }) => first <= window), "the piece of an excerpt");
    const start = piece.start + (window - piece.first) * length, own = text.tokens.subarray(start, start + length);
    return { prompt: own.slice(0, prompt), continuation: own.slice(prompt) };
  });
}

/** The continuation with its tokens shuffled: the `corrupt` rule. */
export function corrupted(continuation: Uint32Array, { seed, index }: { seed: number; index: number }): Uint32Array {
  const order = permutation(continuation.length, { seed, stream: STREAMS.preference, step: 1_000_000 + index });
  return Uint32Array.from(order, (place) => at(continuation, place));
}

/** The arrays [2n, T] of a preference step: n chosen rows, then n rejected rows, with T = prompt + completion − 1. */
export interface PreferenceBatch {
  readonly ids: Uint32Array<ArrayBuffer>;
  readonly targets: Uint32Array<ArrayBuffer>;
  /** 1 in the chosen rows, on prompt and completion; 0 in the rejected rows. */
  readonly weight: Float32Array<ArrayBuffer>;
  /** 1 on completion tokens. */
  readonly completion: Float32Array<ArrayBuffer>;
}

export function preferenceBatch(pairs: readonly Pair[]): PreferenceBatch {
  const first = at(pairs, 0), P = first.prompt.length, C = first.chosen.length, T = P + C - 1, n = pairs.length;
  const batch = { ...emptyBatch(2 * n, T), completion: new Float32Array(2 * n * T) };
  for (const [i, { prompt, chosen, rejected }] of pairs.entries()) {
    for (const [row, answer] of [[i, chosen], [n + i, rejected]] as const) {
      const tokens = Uint32Array.of(...prompt, ...answer);
      batch.ids.set(tokens.subarray(0, T), row * T);
      batch.targets.set(tokens.subarray(1), row * T);
      batch.weight.fill(row < n ? 1 : 0, row * T, (row + 1) * T);
      batch.completion.fill(1, row * T + P - 1, (row + 1) * T);
    }
  }
  return batch;
}

/** The n pairs of an update, drawn with replacement. */
export function pairsAt(pairs: readonly Pair[], { step, n, seed }: { step: number; n: number; seed: number }): Pair[] {
  const counter = { seed, stream: STREAMS.preference, step: 2_000_000 + step };
  return Array.from({ length: n }, (_, i) => at(pairs, randomInteger(counter, i, pairs.length)));
}
