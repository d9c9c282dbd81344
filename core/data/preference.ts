/** Preference pairs: the true continuation of a prompt against one that a stated rule makes. */
import { UsageError } from "../errors.ts";
import { permutation, randomInteger, STREAMS } from "../random.ts";
import { emptyBatch } from "./batches.ts";

/** Token ids. chosen and rejected are equally long and follow the prompt. */
export interface Pair {
  readonly prompt: Uint32Array;
  readonly chosen: Uint32Array;
  readonly rejected: Uint32Array;
}

export interface Excerpt {
  readonly prompt: Uint32Array;
  readonly continuation: Uint32Array;
}

/** `count` excerpts at places drawn without overlap where the text is long enough. */
export function excerpts(
  tokens: Uint32Array,
  { count, prompt, completion, seed, part }: {
    count: number;
    prompt: number;
    completion: number;
    seed: number;
    part: number;
  },
): Excerpt[] {
  const length = prompt + completion, windows = Math.floor(tokens.length / length);
  if (windows < 1) {
    throw new UsageError("the corpus is too short for a preference pair", {
      expected: `${length} tokens`,
      got: `${tokens.length}`,
    });
  }
  const order = permutation(windows, { seed, stream: STREAMS.preference, step: part });
  return Array.from({ length: count }, (_, i) => {
    const start = order[i % windows]! * length;
    return { prompt: tokens.slice(start, start + prompt), continuation: tokens.slice(start + prompt, start + length) };
  });
}

/** The continuation with its tokens in another order: the `corrupt` rule. */
export function corrupted(continuation: Uint32Array, { seed, index }: { seed: number; index: number }): Uint32Array {
  const order = permutation(continuation.length, { seed, stream: STREAMS.preference, step: 1_000_000 + index });
  return Uint32Array.from(order, (at) => continuation[at]!);
}

/** The arrays of a preference step: n chosen rows, then n rejected rows, each of T = prompt + completion − 1 predictions. */
export interface PreferenceBatch {
  readonly ids: Uint32Array<ArrayBuffer>;
  readonly targets: Uint32Array<ArrayBuffer>;
  /** 1 where a prediction counts for the likelihood of the chosen rows: prompt and completion. */
  readonly weight: Float32Array<ArrayBuffer>;
  /** 1 on completion tokens. */
  readonly completion: Float32Array<ArrayBuffer>;
}

export function preferenceBatch(pairs: readonly Pair[]): PreferenceBatch {
  const first = pairs[0]!, P = first.prompt.length, C = first.chosen.length, T = P + C - 1, n = pairs.length;
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

/** The n pairs of an update, drawn with replacement by counter. */
export function pairsAt(pairs: readonly Pair[], { step, n, seed }: { step: number; n: number; seed: number }): Pair[] {
  const counter = { seed, stream: STREAMS.preference, step: 2_000_000 + step };
  return Array.from({ length: n }, (_, i) => pairs[randomInteger(counter, i, pairs.length)]!);
}
