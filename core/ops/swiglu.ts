/** The gated activation of the feed-forward part. */
import { HymbaError } from "../errors.ts";
import type { Tape, Tensor } from "../tensor/mod.ts";

/**
 * y = silu(gate) · up. Shapes: gu [..., 2F], gate before up in each row; returns y [..., F] (or `into`).
 * Source: Shazeer, "GLU Variants Improve Transformer", 2020.
 */
export function swiglu(tape: Tape, gu: Tensor, { into }: { into?: Tensor } = {}): Tensor {
  const R = gu.rows, F = gu.columns / 2;
  const y = into ?? tape.tensor("gated", [...gu.shape.slice(0, gu.lead), F]);
  tape.step("swiglu_forward", { attributes: { R, F }, reads: { gu }, writes: { y }, flops: 6 * R * F });
  tape.onBackward(() => {
    const dy = tape.gradient(y), dgu = tape.target(gu);
    if (!dy || !dgu) return;
    if (dgu.accumulate) throw new HymbaError("swiglu: its input has one use");
    tape.step("swiglu_backward", {
      attributes: { R, F },
      reads: { dy, gu },
      writes: { dgu: dgu.tensor },
      flops: 12 * R * F,
    });
  });
  return y;
}
