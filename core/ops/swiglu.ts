/** The gated activation of the feed-forward part. */
import { HymbaError } from "../errors.ts";
import { defineOp, type Tape, type Tensor } from "../tensor/mod.ts";

export const swigluForward = defineOp({
  name: "swiglu_forward",
  phase: "forward",
  attributes: ["R", "F"],
  reads: { gu: "R 2*F" },
  writes: { y: "R F" },
  flops: ({ R, F }) => 6 * R * F,
});

export const swigluBackward = defineOp({
  name: "swiglu_backward",
  phase: "backward",
  attributes: ["R", "F"],
  reads: { dy: "R F", gu: "R 2*F" },
  writes: { dgu: "R 2*F" },
  flops: ({ R, F }) => 12 * R * F,
  packedReads: ["gu"],
});

/**
 * y = silu(gate) · up. Shapes: gu [..., 2F], gate before up in each row; returns y [..., F] (or `into`).
 * Source: Shazeer, "GLU Variants Improve Transformer", 2020.
 */
export function swiglu(tape: Tape, gu: Tensor, { into }: { into?: Tensor } = {}): Tensor {
  const R = gu.rows, F = gu.columns / 2;
  const y = into ?? tape.tensor("gated", [...gu.shape.slice(0, gu.lead), F]);
  tape.step(swigluForward, { attributes: { R, F }, reads: { gu }, writes: { y } });
  tape.onBackward(() => {
    const dy = tape.gradient(y), dgu = tape.target(gu);
    if (!dy || !dgu) return;
    if (dgu.accumulate) throw new HymbaError("swiglu: the input has several uses; expected: one use");
    tape.step(swigluBackward, {
      attributes: { R, F },
      reads: { dy, gu },
      writes: { dgu: dgu.tensor },
    });
  });
  return y;
}
