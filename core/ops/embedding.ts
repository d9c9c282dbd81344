/** Token embedding with learned meta tokens in front. */
import { HymbaError } from "../errors.ts";
import { defineOp, dimsOf, expectShape, type Tape, type Tensor } from "../tensor/mod.ts";

export const embeddingForward = defineOp({
  name: "embedding_forward",
  phase: "forward",
  attributes: ["B", "T", "M", "V", "D"],
  reads: { ids: "B T", table: "V D", meta: "M D ?" },
  writes: { x: "B M+T D" },
  flops: () => 0,
  elementsRead: (role, { B, T, D }) => role === "table" ? B * T * D : undefined,
});

export const embeddingBackward = defineOp({
  name: "embedding_backward",
  phase: "backward",
  attributes: ["B", "T", "M", "V", "D"],
  reads: { ids: "B T", dx: "B M+T D" },
  writes: { dtable: "V D", dmeta: "M D ?" },
  flops: ({ B, T, M, D }) => B * (M + T) * D,
});

/**
 * x[b, m] = meta[m] for m < M, x[b, M + t] = table[ids[b, t]].
 * Shapes: ids [B, T] u32, table [V, D], meta [M, D]; returns x [B, M + T, D]. An id ≥ V is a fault of the caller.
 */
export function embedding(tape: Tape, { ids, table, meta }: { ids: Tensor; table: Tensor; meta?: Tensor }): Tensor {
  const [B, T] = dimsOf(ids, 2), [V, D] = dimsOf(table, 2);
  const M = meta?.shape[0] ?? 0;
  if (meta) expectShape(meta, [M, D], "embedding");
  const x = tape.tensor("embedded", [B, M + T, D]);
  const attributes = { B, T, M, V, D };
  tape.step(embeddingForward, { attributes, reads: { ids, table, meta }, writes: { x } });
  tape.onBackward(() => {
    const dx = tape.gradient(x);
    if (!dx) return;
    const dtable = tape.target(table), dmeta = meta && tape.target(meta);
    if (dmeta?.accumulate) throw new HymbaError("embedding: the meta tokens have several uses; expected: one use");
    if (!dtable) return;
    // Rows of the table that no id names get zero, or keep the gradient of the output head, which uses the same table.
    const accumulate = dtable.accumulate ? ["dtable"] as const : [];
    const writes = { dtable: dtable.tensor, dmeta: dmeta?.tensor };
    tape.step(embeddingBackward, { attributes, reads: { ids, dx }, writes, accumulate });
  });
  return x;
}
