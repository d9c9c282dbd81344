/**
 * Gradient norm and AdamW in float64, as plain loops.
 * Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019, algorithm 2.
 */
import { need, type Reference } from "./types.ts";

/** Reads g0, g1, … (any lengths); makes norm [1], the root of the sum of all squares. */
export const gradientNorm: Reference = (reads, { parts }) => {
  let squares = 0;
  for (let part = 0; part < parts!; part++) for (const g of need(reads, `g${part}`)) squares += g * g;
  return { norm: Float64Array.of(Math.sqrt(squares)) };
};

/** Reads g, p, m, v [n], norm [1] and schedule [4] (rate, 1 − β1^t, 1 − β2^t, and when `scaled` what g is multiplied with); makes p, m, v [n]. */
export const adamw: Reference = (reads, { n, beta1, beta2, eps, decay, clip, scaled }) => {
  const schedule = need(reads, "schedule"), rate = schedule[0]!, correction1 = schedule[1]!, correction2 = schedule[2]!;
  const multiplier = scaled ? schedule[3]! : 1;
  const g = need(reads, "g"), factor = multiplier * Math.min(1, clip! / (need(reads, "norm")[0]! + 1e-6));
  const p = need(reads, "p").slice(), m = need(reads, "m").slice(), v = need(reads, "v").slice();
  if (multiplier === 0) return { p, m, v };
  for (let i = 0; i < n!; i++) {
    const clipped = g[i]! * factor;
    m[i] = beta1! * m[i]! + (1 - beta1!) * clipped;
    v[i] = beta2! * v[i]! + (1 - beta2!) * clipped * clipped;
    p[i]! -= rate * decay! * p[i]! + rate * (m[i]! / correction1) / (Math.sqrt(v[i]! / correction2) + eps!);
  }
  return { p, m, v };
};
