/** Gradient norm and AdamW in float64. Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019, algorithm 2. */
import { vector } from "./typed_array.ts";
import type { Reference } from "./types.ts";

/** norm = √Σ g² over all gradients. */
export const gradientNorm: Reference<"gradient_norm"> = (gradients) => {
  let squares = 0;
  for (const { values } of Object.values(gradients)) for (const g of values) squares += g * g;
  return { norm: vector(Math.sqrt(squares)) };
};

/**
 * The clipped gradient is g · min(1, clip / (norm + 1e-6)). m = β1 · m + (1 − β1) · g, v = β2 · v + (1 − β2) · g²,
 * p = p − rate · decay · p − rate · (m / c1) / (√(v / c2) + eps). The schedule is rate, c1 = 1 − β1^t, c2 = 1 − β2^t, and when
 * `scaled` a factor of g; the factor 0 leaves everything unchanged.
 */
export const adamw: Reference<"adamw"> = (reads, { n, beta1, beta2, eps, decay, clip, scaled }) => {
  const { g, norm, schedule } = reads, p = reads.p.copy(), m = reads.m.copy(), v = reads.v.copy();
  const rate = schedule.at(0), c1 = schedule.at(1), c2 = schedule.at(2), multiplier = scaled ? schedule.at(3) : 1;
  if (multiplier === 0) return { p, m, v };
  const factor = multiplier * Math.min(1, clip / (norm.at(0) + 1e-6));
  for (let i = 0; i < n; i++) {
    const clipped = g.at(i) * factor;
    m.set(beta1 * m.at(i) + (1 - beta1) * clipped, i);
    v.set(beta2 * v.at(i) + (1 - beta2) * clipped * clipped, i);
    p.add(-(rate * decay * p.at(i) + rate * (m.at(i) / c1) / (Math.sqrt(v.at(i) / c2) + eps)), i);
  }
  return { p, m, v };
};
