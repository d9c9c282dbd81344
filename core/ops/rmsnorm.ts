/**
 * This folder: the ops, each with its shape rule, forward step and backward step.
 * RMSNorm over the columns of each row, with the residual sum before it if there is one.
 */
import { HymbaError } from "../errors.ts";
import { defineOp, expectShape, type Tape, type Tensor } from "../tensor/mod.ts";

export const rmsnormForward = defineOp({
  name: "rmsnorm_forward",
  phase: "forward",
  attributes: ["R", "D", "eps"],
  reads: { x: "R D", delta: "R D ?", w: "D" },
  writes: { sum: "R D ?", y: "R D", r: "R" },
  flops: ({ R, D }) => 4 * R * D,
  exactWrites: ["r"],
  // A norm has few operations per element. Its result has as many bytes as the sum, which is kept anyway.
  recompute: ({ x, w }, { sum = x }) => ({ output: "y", source: sum, reads: { x: sum, w }, writes: ["y", "r"] }),
});

export const rmsnormBackward = defineOp({
  name: "rmsnorm_backward",
  phase: "backward",
  attributes: ["R", "D", "eps"],
  reads: { dy: "R D", x: "R D", w: "D", r: "R", dsum: "R D ?" },
  writes: { dx: "R D ?", dw: "D" },
  flops: ({ R, D }) => 10 * R * D,
});

/**
 * s = x + delta (or s = x), y = s · r · w with r = (mean(s²) + eps)^-½.
 * Shapes: x, delta [..., D] (x may be a slice), w [D]; returns y [..., D] and s, which is x itself without delta.
 * Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.
 */
export function rmsnorm(
  tape: Tape,
  { x, w, delta }: { x: Tensor; w: Tensor; delta?: Tensor },
  { eps, into }: { eps: number; into?: Tensor },
): { y: Tensor; sum: Tensor } {
  const D = x.columns, R = x.rows;
  expectShape(w, [D], "rmsnorm");
  if (delta) expectShape(delta, x.shape, "rmsnorm");
  const y = into ?? tape.tensor("normed", x.shape);
  const sum = delta ? tape.tensor("residual", x.shape) : x;
  const r = tape.tensor("rms", [R]);
  const attributes = { R, D, eps };
  tape.step(rmsnormForward, {
    attributes,
    reads: { x, delta, w },
    writes: { sum: delta && sum, y, r },
  });
  tape.onBackward(() => {
    const dy = tape.gradient(y);
    if (!dy) return;
    const dw = tape.target(w);
    // The step itself adds the gradient that later layers have for the sum (or for x, if it is used twice).
    const dsum = tape.gradient(sum);
    const fresh = delta !== undefined || dsum !== undefined;
    const dx = fresh ? tape.tensor(`d ${x.name}`, x.shape) : tape.target(x)?.tensor;
    if (!dw || dw.accumulate) throw new HymbaError("rmsnorm: the weight has several uses; expected: one use");
    tape.step(rmsnormBackward, {
      attributes,
      reads: { dy, x: sum, w, r, dsum },
      writes: { dx, dw: dw.tensor },
    });
    if (dx && delta) {
      tape.alias(delta, dx);
      tape.alias(x, dx);
    } else if (dx && fresh) tape.supersede(x, dx);
  });
  return { y, sum };
}
