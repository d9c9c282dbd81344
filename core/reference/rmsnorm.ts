/**
 * RMSNorm over rows with an optional residual sum in front, in float64, as plain loops.
 * Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019, eq. 4.
 */
import { need, type Reference } from "./types.ts";

/** Reads x [R, D], delta [R, D] or nothing, w [D]; makes sum, y [R, D] and r [R], the reciprocal root mean square. */
export const rmsnormForward: Reference = (reads, { R, D, eps }) => {
  const x = need(reads, "x"), w = need(reads, "w"), delta = reads.delta;
  const sum = new Float64Array(R! * D!), y = new Float64Array(R! * D!), r = new Float64Array(R!);
  for (let i = 0; i < R!; i++) {
    let squares = 0;
    for (let d = 0; d < D!; d++) {
      sum[i * D! + d] = x[i * D! + d]! + (delta ? delta[i * D! + d]! : 0);
      squares += sum[i * D! + d]! ** 2;
    }
    r[i] = 1 / Math.sqrt(squares / D! + eps!);
    for (let d = 0; d < D!; d++) y[i * D! + d] = sum[i * D! + d]! * r[i]! * w[d]!;
  }
  return { sum, y, r };
};

/** Reads dy [R, D], x [R, D] (the sum), w [D], r [R], dsum [R, D] or nothing; makes dx [R, D] and dw [D]. */
export const rmsnormBackward: Reference = (reads, { R, D }) => {
  const dy = need(reads, "dy"), x = need(reads, "x"), w = need(reads, "w"), r = need(reads, "r"), dsum = reads.dsum;
  const dx = new Float64Array(R! * D!), dw = new Float64Array(D!);
  for (let i = 0; i < R!; i++) {
    let dot = 0;
    for (let d = 0; d < D!; d++) dot += dy[i * D! + d]! * w[d]! * x[i * D! + d]! * r[i]!;
    for (let d = 0; d < D!; d++) {
      const normed = x[i * D! + d]! * r[i]!, at = i * D! + d;
      dx[at] = r[i]! * (dy[at]! * w[d]! - normed * dot / D!) + (dsum ? dsum[at]! : 0);
      dw[d]! += dy[at]! * normed;
    }
  }
  return { dx, dw };
};
