/** Causal depthwise convolution with SiLU, the short filter in front of the selective scan. */
import { HymbaError } from "../errors.ts";
import { expectShape, type Tape, type Tensor } from "../tensor/mod.ts";

/**
 * pre[t] = bias + Σ_j w[:, j] · x[t − (J − 1) + j], y = pre · σ(pre); positions before the first are zero.
 * Shapes: x [B, T, I] (may be a slice), w [I, J], bias [I] or absent; returns y [B, T, I] (or `into`). pre is recomputed in the backward pass.
 */
export function causalConv(
  tape: Tape,
  { x, w, bias }: { x: Tensor; w: Tensor; bias?: Tensor },
  { into }: { into?: Tensor } = {},
): Tensor {
  const [B, T, I] = x.shape as [number, number, number], J = w.shape[1]!;
  expectShape(w, [I, J], "causal_conv");
  if (bias) expectShape(bias, [I], "causal_conv");
  const y = into ?? tape.tensor("convolved", [B, T, I]);
  const attributes = { B, T, I, J };
  const flops = B * T * I * (2 * J + 4);
  tape.step("causal_conv_forward", { attributes, reads: { x, w, bias }, writes: { y }, flops });
  tape.onBackward(() => {
    const dy = tape.gradient(y);
    if (!dy) return;
    const dx = tape.target(x), dw = tape.target(w), dbias = bias && tape.target(bias);
    if (!dx || !dw || dx.accumulate || dw.accumulate) {
      throw new HymbaError("causal_conv: its input and weights have one use each");
    }
    const writes = { dx: dx.tensor, dw: dw.tensor, dbias: dbias?.tensor };
    tape.step("causal_conv_backward", { attributes, reads: { dy, x, w, bias }, writes, flops: 3 * flops });
  });
  return y;
}
