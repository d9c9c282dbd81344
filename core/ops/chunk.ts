/**
 * The ops that process a chunk of T positions of each sequence at once, after the positions in its caches and states. Sequence
 * b starts at `start`[b] (meta tokens included) and has `count`[b] ≤ T positions in the chunk. Rows behind them are computed
 * like the others, but nothing is kept of them and no other row sees them.
 */
import { defineOp, dimsOf, expectShape, type Tape, type Tensor } from "../tensor/mod.ts";
import type { Visibility } from "./attention.ts";
import type { ScanInputs } from "./selective_scan.ts";

export const attentionChunkOp = defineOp({
  name: "attention_chunk",
  phase: "decoding",
  attributes: ["B", "T", "S", "H", "G", "K", "Kv", "window", "meta"],
  reads: {
    q: "B T H K",
    k: "B T G K",
    v: "B T G Kv",
    kCache: "B S G K",
    vCache: "B S G Kv",
    start: "B",
  },
  writes: { o: "B T H Kv" },
  flops: ({ B, T, S, H, K, Kv }) => B * H * T * (2 * S + T + 1) * (K + Kv),
});

export const cacheFillOp = defineOp({
  name: "cache_fill",
  phase: "decoding",
  attributes: ["B", "T", "S", "G", "K", "Kv", "window", "meta"],
  reads: { k: "B T G K", v: "B T G Kv", start: "B", count: "B", kCache: "B S G K", vCache: "B S G Kv" },
  writes: { kCache: "B S G K", vCache: "B S G Kv" },
  flops: () => 0,
});

export const convChunkOp = defineOp({
  name: "conv_chunk",
  phase: "decoding",
  attributes: ["B", "T", "I", "J"],
  reads: { x: "B T I", w: "I J", bias: "I ?", count: "B", state: "B J-1 I" },
  writes: { y: "B T I", state: "B J-1 I" },
  flops: ({ B, T, I, J }) => B * T * I * (2 * J + 4),
});

export const scanChunkOp = defineOp({
  name: "scan_chunk",
  phase: "decoding",
  attributes: ["B", "T", "I", "N", "softplus"],
  reads: {
    udt: "B T 2 I",
    bc: "B T 2 N",
    z: "B T I ?",
    aLog: "I N",
    skip: "I ?",
    dtBias: "I ?",
    count: "B",
    state: "B I N",
  },
  writes: { y: "B T I", state: "B I N" },
  flops: ({ B, T, I, N }) => 8 * B * T * I * N,
  exponentials: ({ B, T, I, N }) => B * T * I * N,
});

/** Caches of keys and values, as in decode.ts. */
interface Caches {
  readonly kCache: Tensor;
  readonly vCache: Tensor;
}

/**
 * Attention of T query positions over the keys in the caches and over the chunk's own keys. Call {@link cacheFill} after it.
 * Shapes: q [B, T, H, K], k [B, T, G, K] after rotary, v [B, T, G, Kv] (slices allowed), caches [B, S, G, ·], start [B] u32;
 * returns o [B, T, H, Kv] (or `into`).
 */
export function attentionChunk(
  tape: Tape,
  { q, k, v, kCache, vCache, start }: { q: Tensor; k: Tensor; v: Tensor; start: Tensor } & Caches,
  { window, meta, into }: Visibility & { into?: Tensor },
): Tensor {
  const [B, S, G, K] = dimsOf(kCache, 4), [, , , Kv] = dimsOf(vCache, 4), [, T, H] = dimsOf(q, 4);
  expectShape(q, [B, T, H, K], "attention_chunk");
  expectShape(k, [B, T, G, K], "attention_chunk");
  expectShape(v, [B, T, G, Kv], "attention_chunk");
  const o: Tensor = into ?? { ...tape.tensor("attended", [B, T, H * Kv]), shape: [B, T, H, Kv], lead: 2 };
  expectShape(o, [B, T, H, Kv], "attention_chunk");
  tape.step(attentionChunkOp, {
    attributes: { B, T, S, H, G, K, Kv, window, meta },
    reads: { q, k, v, kCache, vCache, start },
    writes: { o },
  });
  return o;
}

/** Puts the keys and values of a chunk into their slots. Of positions that share a slot the last is kept. Shapes as above; count [B] u32. */
export function cacheFill(
  tape: Tape,
  { k, v, kCache, vCache, start, count }: { k: Tensor; v: Tensor; start: Tensor; count: Tensor } & Caches,
  { window, meta }: Visibility,
): void {
  const [B, S, G, K] = dimsOf(kCache, 4), [, , , Kv] = dimsOf(vCache, 4), [, T] = dimsOf(k, 4);
  tape.step(cacheFillOp, {
    attributes: { B, T, S, G, K, Kv, window, meta },
    reads: { k, v, start, count, kCache, vCache },
    writes: { kCache, vCache },
  });
}

/**
 * The causal convolution with SiLU after the last J − 1 inputs in `state`, which is advanced by count[b] positions. Shapes: x
 * [B, T, I] (may be a slice), w [I, J], bias [I], state [B, J − 1, I]; returns y [B, T, I] (or `into`).
 */
export function convChunk(
  tape: Tape,
  { x, w, bias, state, count }: { x: Tensor; w: Tensor; bias?: Tensor; state: Tensor; count: Tensor },
  { into }: { into?: Tensor } = {},
): Tensor {
  const [B, T, I] = dimsOf(x, 3), [, J] = dimsOf(w, 2), y = into ?? tape.tensor("convolved", [B, T, I]);
  expectShape(state, [B, J - 1, I], "conv_chunk");
  tape.step(convChunkOp, { attributes: { B, T, I, J }, reads: { x, w, bias, count, state }, writes: { y, state } });
  return y;
}

/**
 * The selective scan from the state [B, I, N], which is advanced by count[b] positions; inputs as `selectiveScan`. Returns y
 * [B, T, I] (or `into`), finite in all rows.
 */
export function scanChunk(
  tape: Tape,
  { udt, bc, z, aLog, skip, dtBias, state, count }: Omit<ScanInputs, "h0"> & { state: Tensor; count: Tensor },
  { into }: { into?: Tensor } = {},
): Tensor {
  const [B, T, , I] = dimsOf(udt, 4), [, N] = dimsOf(aLog, 2), y = into ?? tape.tensor("scanned", [B, T, I]);
  expectShape(bc, [B, T, 2, N], "scan_chunk");
  expectShape(state, [B, I, N], "scan_chunk");
  tape.step(scanChunkOp, {
    attributes: { B, T, I, N, softplus: 1 },
    reads: { udt, bc, z, aLog, skip, dtBias, count, state },
    writes: { y, state },
  });
  return y;
}
