/** Cases of the ops that process a chunk of positions of each sequence, after the positions in caches and states. */
import { cacheSlots } from "../../core/ops/decode.ts";
import { attentionChunk, cacheFill, convChunk, scanChunk } from "../../core/ops/chunk.ts";
import { fillNormal } from "../../core/random.ts";
import { sliceColumns, tensorOver, withRows } from "../../core/tensor/mod.ts";
import type { InputMaker, OpCase } from "./harness.ts";

export interface AttentionChunkSizes {
  readonly T: number;
  readonly H: number;
  readonly G: number;
  readonly K: number;
  readonly Kv: number;
  readonly window: number;
  readonly meta: number;
  /** Of each sequence: positions that the cache has, and positions of the chunk. */
  readonly starts: readonly number[];
  readonly counts: readonly number[];
}

/** Slots that no position has filled hold NaN: no kernel may use them. */
const filledTo = (starts: readonly number[], { S, columns }: { S: number; columns: number }) =>
(
  data: Float32Array,
  counter: Parameters<typeof fillNormal>[1],
) => {
  fillNormal(data, counter);
  for (let i = 0; i < data.length; i++) {
    const b = Math.floor(i / (S * columns)), slot = Math.floor(i / columns) % S;
    if (slot >= (starts[b] ?? 0)) data[i] = NaN;
  }
};

/** Attention over caches and chunk, of slices of one projection, into a slice; then the chunk goes into the caches. */
export function attentionChunkCase({ T, H, G, K, Kv, window, meta, starts, counts }: AttentionChunkSizes): OpCase {
  const B = starts.length, see = { window, meta }, S = cacheSlots(Math.max(...starts) + T, see);
  return {
    withoutCotangent: ["o", "kCache", "vCache"],
    build: (tape, input) => {
      const wide = input("projected", [B, T, H * K + G * K + G * Kv], { gradient: false });
      const cache = (name: string, width: number) =>
        input(name, [B, S, G, width], { gradient: false, fill: filledTo(starts, { S, columns: G * width }) });
      const k = sliceColumns(wide, H * K, [G, K]), v = sliceColumns(wide, (H + G) * K, [G, Kv]);
      const start = input("start", [B], { u32: (b) => starts[b] ?? 0 });
      const caches = { kCache: cache("kCache", K), vCache: cache("vCache", Kv), start };
      const q = sliceColumns(wide, 0, [H, K]);
      const outside = { ...tape.tensor("outside", [B, T, H * Kv + 4]), lead: 2 };
      const o = attentionChunk(tape, { q, k, v, ...caches }, { ...see, into: sliceColumns(outside, 4, [H, Kv]) });
      cacheFill(tape, { k, v, ...caches, count: input("count", [B], { u32: (b) => counts[b] ?? 0 }) }, see);
      return { o, kCache: caches.kCache, vCache: caches.vCache };
    },
  };
}

export interface StateChunkSizes {
  readonly T: number;
  readonly I: number;
  readonly N: number;
  readonly J: number;
  readonly counts: readonly number[];
  /** Without gate, skip and biases. */
  readonly bare?: boolean;
}

/** The convolution and the scan over a chunk, and the states that they leave. */
export function stateChunkCase({ T, I, N, J, counts, bare = false }: StateChunkSizes): OpCase {
  const B = counts.length;
  return {
    withoutCotangent: ["state", "convolved", "taps", ...counts.keys().map((b) => `scanned ${b}`)],
    build: (tape, input: InputMaker) => {
      const plain = (name: string, shape: readonly number[]) => input(name, shape, { gradient: false });
      const count = input("count", [B], { u32: (b) => counts[b] ?? 0 });
      const state = plain("state", [B, I, N]), taps = plain("taps", [B, J - 1, I]);
      const wide = plain("wide", [B, T, 4 * I + 2 * N + 4]), x = sliceColumns(wide, 4, [I]);
      const scanned = scanChunk(tape, {
        udt: sliceColumns(wide, 4 + I, [2, I]),
        bc: sliceColumns(wide, 4 + 3 * I, [2, N]),
        aLog: plain("aLog", [I, N]),
        ...(!bare && { z: x, skip: plain("skip", [I]), dtBias: plain("dtBias", [I]) }),
        ...{ state, count },
      });
      const w = plain("w", [I, J]), bias = bare ? undefined : plain("bias", [I]);
      const into = sliceColumns(withRows(tape.tensor("outside", [B, T, I + 4]), 2), 4, [I]);
      const convolved = convChunk(tape, { x, w, bias, state: taps, count }, { into });
      // Rows behind the count may hold anything finite.
      const rows = counts.flatMap((n, b) =>
        n > 0 ? [[`scanned ${b}`, tensorOver(scanned.storage, [n, I], { offset: b * T * I })]] : []
      );
      return { ...Object.fromEntries(rows), state, convolved, ...(J > 1 && { taps }) };
    },
  };
}
