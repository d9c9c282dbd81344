import { type Tensor, tensorOver } from "../../tensor/mod.ts";
import { type Launch, type Lowering, rowsPerBlock } from "../launch.ts";
import { product } from "./matmul.ts";

/** Rows [first, first + count) of a whole tensor [V, D]. */
function rowsOf(w: Tensor, first: number, count: number): Tensor {
  return tensorOver(w.storage, [count, w.columns], { offset: w.offset + first * w.columns });
}

function chunksOf(V: number, chunk: number): { first: number; count: number }[] {
  return Array.from({ length: Math.ceil(V / chunk) }, (_, c) => ({
    first: c * chunk,
    count: Math.min(chunk, V - c * chunk),
  }));
}

export const linearLogpForward: Lowering<"linear_logp_forward"> = (
  { attributes: { R, D, V, chunk }, reads: { x, w, targets }, writes: { logp, lse } },
  context,
) => {
  const running = context.scratch("running", [R, 2]), found = context.scratch("found", [R]);
  const buffer = context.scratch("logits", [R, chunk]), rows = rowsPerBlock(chunk);
  // With a single chunk the logits are kept for the backward step, which then computes three products instead of four.
  if (chunk >= V) context.kept.set(lse.storage, buffer);
  return chunksOf(V, chunk).flatMap(({ first, count }): Launch[] => {
    const logits = tensorOver(buffer.storage, [R, count]);
    const sizes = { M: R, N: count, K: D, transA: 0, transB: 1, accumulate: false };
    return [...product({ a: x, b: rowsOf(w, first, count), c: logits }, sizes, context), {
      kernel: "logp_reduce",
      args: { logits, targets, running, found, logp, lse, R, first, count, last: first + count === V ? 1 : 0, rows },
      blocks: Math.ceil(R / rows),
    }];
  });
};

export const linearLogpBackward: Lowering<"linear_logp_backward"> = (
  { attributes: { R, D, V, chunk }, reads: { dlogp, x, w, targets, lse, logp }, writes: { dx, dw } },
  context,
) => {
  const kept = context.kept.get(lse.storage), buffer = kept ?? context.scratch("logits", [R, chunk]);
  const rows = rowsPerBlock(chunk);
  return chunksOf(V, chunk).flatMap(({ first, count }): Launch[] => {
    const logits = tensorOver(buffer.storage, [R, count]), part = rowsOf(w, first, count);
    const forward = { M: R, N: count, K: D, transA: 0, transB: 1, accumulate: false };
    const toX = { M: R, N: D, K: count, transA: 0, transB: 0, accumulate: first > 0 };
    const toW = { M: count, N: D, K: R, transA: 1, transB: 0, accumulate: false };
    return [
      ...(kept ? [] : product({ a: x, b: part, c: logits }, forward, context)),
      {
        kernel: "logp_gradient",
        args: { logits, targets, lse, logp, dlogp, R, first, count, rows },
        blocks: Math.ceil(R / rows),
      },
      ...product({ a: logits, b: part, c: dx }, toX, context),
      ...product({ a: logits, b: x, c: rowsOf(dw, first, count) }, toW, context),
    ];
  });
};
