/**
 * RMSNorm of each row, with an optional residual sum in front, in float64.
 * Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019, eq. 4.
 */
import { dot, zeros, zerosLike } from "./typed_array.ts";
import type { Reference } from "./types.ts";

/** sum = x + delta, r = (mean(sum²) + eps)^-½, y = sum · r · w. */
export const rmsnormForward: Reference<"rmsnorm_forward"> = ({ x, delta, w }, { R, D, eps }) => {
  const sum = zeros(R, D), y = zeros(R, D), r = zeros(R);
  for (let t = 0; t < R; t++) {
    for (let d = 0; d < D; d++) sum.set(x.at(t, d) + (delta?.at(t, d) ?? 0), t, d);
    r.set(1 / Math.sqrt(dot(sum.row(t), sum.row(t)) / D + eps), t);
    for (let d = 0; d < D; d++) y.set(sum.at(t, d) * r.at(t) * w.at(d), t, d);
  }
  return { sum, y, r };
};

/** x is the sum. With n = x · r and g = dy · w: dx = r · (g − n · mean(g · n)) + dsum, dw = Σ dy · n. */
export const rmsnormBackward: Reference<"rmsnorm_backward"> = ({ dy, x, w, r, dsum }, { R, D }) => {
  const dx = zeros(R, D), dw = zerosLike(w);
  for (let t = 0; t < R; t++) {
    const scale = r.at(t);
    let sum = 0;
    for (let d = 0; d < D; d++) sum += dy.at(t, d) * w.at(d) * x.at(t, d) * scale;
    for (let d = 0; d < D; d++) {
      const n = x.at(t, d) * scale;
      dx.set(scale * (dy.at(t, d) * w.at(d) - n * sum / D) + (dsum?.at(t, d) ?? 0), t, d);
      dw.add(dy.at(t, d) * n, d);
    }
  }
  return { dx, dw };
};
