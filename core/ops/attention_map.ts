/** Computes attention probabilities again for a figure: flash attention does not store them. */
import { defineOp, dimsOf, expectShape, type Tape, type Tensor } from "../tensor/mod.ts";
import type { Visibility } from "./attention.ts";

export const attentionMapOp = defineOp({
  name: "attention_map",
  phase: "forward",
  attributes: ["B", "T", "H", "G", "K", "window", "meta"],
  reads: { q: "B T H K", k: "B T G K", lse: "B T H" },
  writes: { p: "H T T" },
  flops: ({ T, H, K }) => H * T * T * (K + 1),
});

/**
 * p[h, t, s] = exp(q[0, t, h] · k[0, s, h'] / √K − lse[0, t, h]) for batch row 0, zero where s is not visible to t.
 * Shapes: q [B, T, H, K], k [B, T, G, K] after rotary, lse [B, T, H] as {@link attention} took and made them; returns p [H, T, T],
 * whose rows add up to 1. It has no gradient.
 */
export function attentionMap(
  tape: Tape,
  { q, k, lse }: { q: Tensor; k: Tensor; lse: Tensor },
  { window, meta }: Visibility,
): Tensor {
  const [B, T, H, K] = dimsOf(q, 4), [, , G] = dimsOf(k, 4);
  expectShape(k, [B, T, G, K], "attention_map");
  expectShape(lse, [B, T, H], "attention_map");
  const p = tape.tensor("attention map", [H, T, T]);
  tape.step(attentionMapOp, {
    attributes: { B, T, H, G, K, window, meta },
    reads: { q, k, lse },
    writes: { p },
  });
  return p;
}
