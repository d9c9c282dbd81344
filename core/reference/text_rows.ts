/** Cuts the meta tokens off, in float64: y[b, t] = x[b, M + t]. */
import { zeros } from "./typed_array.ts";
import type { Reference } from "./types.ts";

export const textRowsForward: Reference<"text_rows_forward"> = ({ x }, { B, T, M, D }) => {
  const y = zeros(B, T, D);
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) y.row(b, t).copyFrom(x.row(b, M + t));
  }
  return { y };
};

/** dx[b, M + t] = dy[b, t]. The first M rows have no gradient. */
export const textRowsBackward: Reference<"text_rows_backward"> = ({ dy }, { B, T, M, D }) => {
  const dx = zeros(B, M + T, D);
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) dx.row(b, M + t).copyFrom(dy.row(b, t));
  }
  return { dx };
};
