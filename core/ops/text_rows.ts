/** Cuts the meta tokens off. */
import type { Tape, Tensor } from "../tensor/mod.ts";

/** y[b, t] = x[b, M + t]. Shapes: x [B, M + T, D]; returns y [B, T, D]. The gradient of the M rows that are cut is zero. */
export function textRows(tape: Tape, x: Tensor, { M }: { M: number }): Tensor {
  if (M === 0) return x;
  const [B, S, D] = x.shape as [number, number, number];
  const attributes = { B, T: S - M, M, D };
  const y = tape.tensor("text", [B, S - M, D]);
  tape.step("text_rows_forward", { attributes, reads: { x }, writes: { y }, flops: 0 });
  tape.onBackward(() => {
    const dy = tape.gradient(y), dx = tape.target(x);
    if (!dy || !dx) return;
    tape.step("text_rows_backward", { attributes, reads: { dy }, writes: { dx: dx.tensor }, flops: 0 });
  });
  return y;
}
