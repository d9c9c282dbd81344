/** Token embedding with learned meta tokens in front. */
import { HymbaError } from "../errors.ts";
import { expectShape, type Tape, type Tensor } from "../tensor/mod.ts";

/**
 * x[b, m] = meta[m] for m < M, x[b, M + t] = table[ids[b, t]].
 * Shapes: ids [B, T] u32, table [V, D], meta [M, D]; returns x [B, M + T, D]. An id ≥ V is a fault of the caller.
 */
export function embedding(tape: Tape, { ids, table, meta }: { ids: Tensor; table: Tensor; meta?: Tensor }): Tensor {
  const [B, T] = ids.shape as [number, number], [V, D] = table.shape as [number, number];
  const M = meta?.shape[0] ?? 0;
  if (meta) expectShape(meta, [M, D], "embedding");
  const x = tape.tensor("embedded", [B, M + T, D]);
  const attributes = { B, T, M, V, D };
  tape.step("embedding_forward", { attributes, reads: { ids, table, meta }, writes: { x }, flops: 0 });
  tape.onBackward(() => {
    const dx = tape.gradient(x);
    if (!dx) return;
    const dtable = tape.target(table), dmeta = meta && tape.target(meta);
    if (dmeta?.accumulate) throw new HymbaError("embedding: meta tokens have one use");
    if (!dtable) return;
    // Rows of the table that no id names get zero, or keep what another use of the table (the output head) put there.
    const accumulate = dtable.accumulate ? ["dtable"] : [];
    const writes = { dtable: dtable.tensor, dmeta: dmeta?.tensor };
    tape.step("embedding_backward", { attributes, reads: { ids, dx }, writes, accumulate, flops: B * (M + T) * D });
  });
  return x;
}
