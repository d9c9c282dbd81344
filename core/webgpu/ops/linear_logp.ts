import backward from "../../../wgsl/linear_logp_backward.wgsl" with { type: "text" };
import forward from "../../../wgsl/linear_logp_forward.wgsl" with { type: "text" };
import activations from "../../../wgsl/lib/activations.wgsl" with { type: "text" };
import logOdds from "../../../wgsl/lib/log_odds.wgsl" with { type: "text" };
import { HymbaError } from "../../errors.ts";
import { isContiguous, type Tensor, tensorOver } from "../../tensor/mod.ts";
import { kernel, type Launch, linearGrid, type LowerContext, type Lowering } from "../launch.ts";
import { product } from "./matmul.ts";
import { rowKernel } from "./row_kernel.ts";
import { forWidths, widthOf } from "./width.ts";

const FORWARD = rowKernel("linear_logp_forward", activations, forward);
const BACKWARD = forWidths("linear_logp_backward", (name, vec) => kernel(name, vec, logOdds, backward));

/** A part of the vocabulary: its first entry, how many, and the logits of all rows for it. */
interface Chunk {
  V0: number;
  C: number;
  logits: Tensor;
}

/** All chunks, one after the other in the same memory. */
function chunksOf({ R, V, chunk }: { R: number; V: number; chunk: number }, { storage }: Tensor): Chunk[] {
  return Array.from({ length: Math.ceil(V / chunk) }, (_, i) => {
    const C = Math.min(chunk, V - i * chunk);
    return { V0: i * chunk, C, logits: tensorOver(storage, [R, C]) };
  });
}

/** The rows of a [V, D] parameter, or of its gradient, that belong to a chunk. */
function rowsOf(w: Tensor, { V0, C }: Chunk): Tensor {
  if (!isContiguous(w)) throw new HymbaError(`linear_logp: ${w.name} is a slice, expected a whole [V, D]`);
  return { ...w, shape: [C, w.columns], rows: C, offset: w.offset + V0 * w.columns };
}

interface Operands {
  a: Tensor;
  b: Tensor;
  c: Tensor;
  M: number;
  N: number;
  K: number;
  transA?: number;
  transB?: number;
  accumulate?: boolean;
}

/** The launches of c = a · b, or of c += a · b. */
const productOf = (
  { a, b, c, M, N, K, transA = 0, transB = 0, accumulate = false }: Operands,
  context: LowerContext,
): Launch[] =>
  product({
    attributes: { M, N, K, transA, transB },
    reads: { a, b },
    writes: { c },
    accumulate: accumulate ? ["c"] : [],
  }, context);

export const linearLogpForward: Lowering<"linear_logp_forward"> = (
  { attributes: { R, D, V, chunk }, reads: { x, w, targets }, writes: { logp, lse } },
  context,
) => {
  const buffer = context.scratch("logits", [R, chunk]), chunks = chunksOf({ R, V, chunk }, buffer);
  // If there is one chunk, its logits are kept for the backward step, which then needs three products instead of four.
  if (chunks.length === 1) context.kept.set(lse.storage, buffer);
  const running = context.scratch("running", [R, 3]);
  return chunks.flatMap((chunk, i) => {
    const { C, V0, logits } = chunk;
    const FIRST = i === 0 ? 1 : 0, LAST = i === chunks.length - 1 ? 1 : 0;
    return [
      ...productOf({ a: x, b: rowsOf(w, chunk), c: logits, M: R, N: C, K: D, transB: 1 }, context),
      {
        kernel: FORWARD(context),
        constants: { R, C, V0, FIRST, LAST, LANES: context.rowLanes },
        reads: [logits, targets],
        writes: [running, logp, lse],
        grid: linearGrid(R),
      },
    ];
  });
};

export const linearLogpBackward: Lowering<"linear_logp_backward"> = (
  { attributes: { R, D, V, chunk }, reads: { dlogp, x, w, targets, lse, logp }, writes: { dx, dw } },
  context,
) => {
  const kept = context.kept.get(lse.storage);
  const chunks = chunksOf({ R, V, chunk }, kept ?? context.scratch("logits", [R, chunk]));
  return chunks.flatMap((chunk, i) => {
    const { C, V0, logits } = chunk, part = rowsOf(w, chunk), width = widthOf([C], [logits]);
    return [
      ...(kept ? [] : productOf({ a: x, b: part, c: logits, M: R, N: C, K: D, transB: 1 }, context)),
      {
        kernel: BACKWARD[width],
        constants: { R, C, V0 },
        reads: [targets, dlogp, lse, logp],
        writes: [logits],
        grid: linearGrid(Math.ceil(R * C / width / 64)),
      },
      ...productOf({ a: logits, b: part, c: dx, M: R, N: D, K: C, accumulate: i > 0 }, context),
      ...productOf({ a: logits, b: x, c: rowsOf(dw, chunk), M: C, N: D, K: R, transA: 1 }, context),
    ];
  });
};
