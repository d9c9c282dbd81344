/** Causal depthwise convolution with SiLU, the short filter before the selective scan. */
import { HymbaError } from "../errors.ts";
import { type Attributes, defineOp, dimsOf, expectShape, type Tape, type Tensor } from "../tensor/mod.ts";

const flops = ({ B, T, I, J }: Attributes<"B" | "T" | "I" | "J">) => B * T * I * (2 * J + 4);

export const causalConvForward = defineOp({
  name: "causal_conv_forward",
  phase: "forward",
  attributes: ["B", "T", "I", "J"],
  reads: { x: "B T I", w: "I J", bias: "I ?" },
  writes: { y: "B T I" },
  flops,
});

export const causalConvBackward = defineOp({
  name: "causal_conv_backward",
  phase: "backward",
  attributes: ["B", "T", "I", "J"],
  reads: { dy: "B T I", x: "B T I", w: "I J", bias: "I ?" },
  writes: { dx: "B T I", dw: "I J", dbias: "I ?" },
  flops: (attributes) => 3 * flops(attributes),
});

/**
 * pre[t] = bias + Σ_j w[:, j] · x[t − (J − 1) + j], y = pre · σ(pre); positions before the first are zero.
 * Shapes: x [B, T, I] (may be a slice), w [I, J], bias [I] or absent; returns y [B, T, I] (or `into`). pre is recomputed in the backward pass.
 */
export function causalConv(
  tape: Tape,
  { x, w, bias }: { x: Tensor; w: Tensor; bias?: Tensor },
  { into }: { into?: Tensor } = {},
): Tensor {
  const [B, T, I] = dimsOf(x, 3), [, J] = dimsOf(w, 2);
  expectShape(w, [I, J], "causal_conv");
  if (bias) expectShape(bias, [I], "causal_conv");
  const y = into ?? tape.tensor("convolved", [B, T, I]);
  const attributes = { B, T, I, J };
  tape.step(causalConvForward, { attributes, reads: { x, w, bias }, writes: { y } });
  tape.onBackward(() => {
    const dy = tape.gradient(y);
    if (!dy) return;
    const dx = tape.target(x), dw = tape.target(w), dbias = bias && tape.target(bias);
    if (!dx || !dw || dx.accumulate || dw.accumulate) {
      throw new HymbaError("causal_conv: the input or the weight has several uses; expected: one use of each");
    }
    const writes = { dx: dx.tensor, dw: dw.tensor, dbias: dbias?.tensor };
    tape.step(causalConvBackward, { attributes, reads: { dy, x, w, bias }, writes });
  });
  return y;
}
