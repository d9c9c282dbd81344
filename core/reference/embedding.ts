/** Token embedding with learned meta tokens in front, in float64. Source of meta tokens: Dong et al., "Hymba", 2024, section 2.3. */
import { addScaled, zeros } from "./typed_array.ts";
import type { Reference } from "./types.ts";

/** x[b, m] = meta[m], x[b, M + t] = table[ids[b, t]]. */
export const embeddingForward: Reference<"embedding_forward"> = ({ ids, table, meta }, { B, T, M, D }) => {
  const x = zeros(B, M + T, D);
  for (let b = 0; b < B; b++) {
    if (meta) { for (let m = 0; m < M; m++) x.row(b, m).copyFrom(meta.row(m)); }
    for (let t = 0; t < T; t++) x.row(b, M + t).copyFrom(table.row(ids.at(b, t)));
  }
  return { x };
};

/** dmeta[m] = Σ_b dx[b, m], dtable[id] = Σ dx[b, M + t] over the positions that hold the id. */
export const embeddingBackward: Reference<"embedding_backward"> = ({ ids, dx }, { B, T, M, V, D }) => {
  const dtable = zeros(V, D), dmeta = zeros(M, D);
  for (let b = 0; b < B; b++) {
    for (let m = 0; m < M; m++) addScaled(dmeta.row(m), 1, dx.row(b, m));
    for (let t = 0; t < T; t++) addScaled(dtable.row(ids.at(b, t)), 1, dx.row(b, M + t));
  }
  return { dtable, dmeta };
};
