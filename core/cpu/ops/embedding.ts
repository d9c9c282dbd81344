import { type Lowering, rowsPerBlock } from "../launch.ts";

/** Parts of the table that threads fill in parallel. Each part reads all ids. */
const TABLE_PARTS = 16;

export const embeddingForward: Lowering<"embedding_forward"> = (
  { attributes: { B, T, M, V, D }, reads: { ids, table, meta }, writes: { x } },
) => {
  const rows = rowsPerBlock(D);
  return [{
    kernel: "embedding_forward",
    args: { ids, table, meta, x, strideX: x.rowStride, B, T, M, V, D, rows },
    blocks: Math.ceil(B * (M + T) / rows),
  }];
};

export const embeddingBackward: Lowering<"embedding_backward"> = (
  { attributes: { B, T, M, V, D }, reads: { ids, dx }, writes: { dtable, dmeta }, accumulate },
) => {
  const rows = Math.ceil(V / TABLE_PARTS);
  const args = { ids, dx, dtable, dmeta, strideDx: dx.rowStride, B, T, M, V, D, rows };
  return [{
    kernel: "embedding_backward",
    args: { ...args, accumulate: accumulate.includes("dtable") ? 1 : 0 },
    blocks: Math.ceil(V / rows) + 1,
  }];
};
