/**
 * The ops of generation: one position at a time, B sequences side by side, each at its own position. Caches and states lie in
 * arenas and are changed in place (a role in both reads and writes). `position` [B] u32 counts from 0, meta tokens included.
 */
import { defineOp, dimsOf, expectShape, type Tape, type Tensor } from "../tensor/mod.ts";
import type { Visibility } from "./attention.ts";
import type { ScanInputs } from "./selective_scan.ts";

export const embedStepOp = defineOp({
  name: "embed_step",
  phase: "decoding",
  attributes: ["B", "V", "D", "M"],
  reads: { token: "B", position: "B", table: "V D", meta: "M D ?" },
  writes: { x: "B 1 D" },
  flops: () => 0,
});

export const cacheAppendOp = defineOp({
  name: "cache_append",
  phase: "decoding",
  attributes: ["B", "S", "G", "K", "Kv", "window", "meta"],
  reads: { k: "B 1 G K", v: "B 1 G Kv", position: "B", kCache: "B S G K", vCache: "B S G Kv" },
  writes: { kCache: "B S G K", vCache: "B S G Kv" },
  flops: () => 0,
});

export const attentionDecodeOp = defineOp({
  name: "attention_decode",
  phase: "decoding",
  attributes: ["B", "S", "H", "G", "K", "Kv", "window", "meta"],
  reads: { q: "B 1 H K", kCache: "B S G K", vCache: "B S G Kv", position: "B" },
  writes: { o: "B 1 H Kv" },
  flops: ({ B, S, H, K, Kv }) => 2 * B * H * S * (K + Kv),
});

export const convStepOp = defineOp({
  name: "conv_step",
  phase: "decoding",
  attributes: ["B", "I", "J"],
  reads: { x: "B 1 I", w: "I J", bias: "I ?", state: "B J-1 I" },
  writes: { y: "B 1 I", state: "B J-1 I" },
  flops: ({ B, I, J }) => B * I * (2 * J + 4),
});

export const scanStepOp = defineOp({
  name: "scan_step",
  phase: "decoding",
  attributes: ["B", "I", "N", "softplus"],
  reads: {
    udt: "B 1 2 I",
    bc: "B 1 2 N",
    z: "B 1 I ?",
    aLog: "I N",
    skip: "I ?",
    dtBias: "I ?",
    state: "B I N",
  },
  writes: { y: "B 1 I", state: "B I N" },
  flops: ({ B, I, N }) => 8 * B * I * N,
});

/** The slot of a position: global caches are in order, local ones keep the meta prefix and then a ring of W slots. */
export function cacheSlot(position: number, { window, meta }: Visibility): number {
  return window === 0 || position < meta ? position : meta + (position - meta) % window;
}

/** Slots of a cache for sequences of at most S positions. */
export const cacheSlots = (S: number, { window, meta }: Visibility): number =>
  window === 0 ? S : Math.min(S, meta + window);

/** x[b] = meta[position[b]] while position[b] < M, then table[token[b]]. Shapes: token [B] u32, table [V, D], meta [M, D]; returns x [B, 1, D]. */
export function embedStep(
  tape: Tape,
  { token, position, table, meta }: { token: Tensor; position: Tensor; table: Tensor; meta?: Tensor },
): Tensor {
  const [B] = dimsOf(token, 1), [V, D] = dimsOf(table, 2);
  const x = tape.tensor("embedded", [B, 1, D]);
  tape.step(embedStepOp, {
    attributes: { B, V, D, M: meta?.shape[0] ?? 0 },
    reads: { token, position, table, meta },
    writes: { x },
  });
  return x;
}

/**
 * Puts the keys and values of the current position into their slot ({@link cacheSlot}).
 * Shapes: k [B, 1, G, K] after rotary, v [B, 1, G, Kv] (slices allowed), kCache [B, S, G, K], vCache [B, S, G, Kv].
 */
export function cacheAppend(
  tape: Tape,
  { k, v, kCache, vCache, position }: { k: Tensor; v: Tensor; kCache: Tensor; vCache: Tensor; position: Tensor },
  { window, meta }: Visibility,
): void {
  const [B, S, G, K] = dimsOf(kCache, 4), [, , , Kv] = dimsOf(vCache, 4);
  expectShape(k, [B, 1, G, K], "cache_append");
  expectShape(v, [B, 1, G, Kv], "cache_append");
  const attributes = { B, S, G, K, Kv, window, meta };
  tape.step(cacheAppendOp, {
    attributes,
    reads: { k, v, position, kCache, vCache },
    writes: { kCache, vCache },
  });
}

/**
 * Attention of one query position over the filled slots of a cache, the current position included (call {@link cacheAppend} first).
 * Filled slots: position + 1 without a window, else min(position + 1, meta + window); their order does not matter.
 * Shapes: q [B, 1, H, K] (may be a slice), caches as above; returns o [B, 1, H, Kv] (or `into`).
 */
export function attentionDecode(
  tape: Tape,
  { q, kCache, vCache, position }: { q: Tensor; kCache: Tensor; vCache: Tensor; position: Tensor },
  { window, meta, into }: Visibility & { into?: Tensor },
): Tensor {
  const [B, S, G, K] = dimsOf(kCache, 4), [, , , Kv] = dimsOf(vCache, 4), [, , H] = dimsOf(q, 4);
  expectShape(q, [B, 1, H, K], "attention_decode");
  const o: Tensor = into ?? { ...tape.tensor("attended", [B, 1, H * Kv]), shape: [B, 1, H, Kv], lead: 2 };
  expectShape(o, [B, 1, H, Kv], "attention_decode");
  const attributes = { B, S, H, G, K, Kv, window, meta };
  tape.step(attentionDecodeOp, {
    attributes,
    reads: { q, kCache, vCache, position },
    writes: { o },
  });
  return o;
}

/**
 * One position of the causal convolution with SiLU; `state` holds the last J − 1 inputs, oldest first, and is updated.
 * Shapes: x [B, 1, I] (may be a slice), w [I, J], bias [I], state [B, J − 1, I]; returns y [B, 1, I] (or `into`).
 */
export function convStep(
  tape: Tape,
  { x, w, bias, state }: { x: Tensor; w: Tensor; bias?: Tensor; state: Tensor },
  { into }: { into?: Tensor } = {},
): Tensor {
  const [B, , I] = dimsOf(x, 3), [, J] = dimsOf(w, 2);
  expectShape(state, [B, J - 1, I], "conv_step");
  const y = into ?? tape.tensor("convolved", [B, 1, I]);
  tape.step(convStepOp, {
    attributes: { B, I, J },
    reads: { x, w, bias, state },
    writes: { y, state },
  });
  return y;
}

/** One position of the selective scan; the inputs of `selectiveScan` with T = 1 and the state [B, I, N], changed in place. Returns y [B, 1, I] (or `into`). */
export function scanStep(
  tape: Tape,
  { udt, bc, z, aLog, skip, dtBias, state }: Omit<ScanInputs, "h0"> & { state: Tensor },
  { into }: { into?: Tensor } = {},
): Tensor {
  const [B, , , I] = dimsOf(udt, 4), [, N] = dimsOf(aLog, 2);
  expectShape(udt, [B, 1, 2, I], "scan_step");
  expectShape(bc, [B, 1, 2, N], "scan_step");
  expectShape(state, [B, I, N], "scan_step");
  const y = into ?? tape.tensor("scanned", [B, 1, I]);
  tape.step(scanStepOp, {
    attributes: { B, I, N, softplus: 1 },
    reads: { udt, bc, z, aLog, skip, dtBias, state },
    writes: { y, state },
  });
  return y;
}
