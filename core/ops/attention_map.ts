/** The probabilities that flash attention never stores, made once more for a figure. */
import { expectShape, type Tape, type Tensor } from "../tensor/mod.ts";
import type { Visibility } from "./attention.ts";

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
  const [B, T, H, K] = q.shape as [number, number, number, number], G = k.shape[2]!;
  expectShape(k, [B, T, G, K], "attention_map");
  expectShape(lse, [B, T, H], "attention_map");
  const p = tape.tensor("attention map", [H, T, T]);
  tape.step("attention_map", {
    attributes: { T, H, G, K, window, meta },
    reads: { q, k, lse },
    writes: { p },
    flops: H * T * T * (K + 1),
  });
  return p;
}
