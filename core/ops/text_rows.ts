/** Removes the rows of the meta tokens. */
import { defineOp, dimsOf, type Tape, type Tensor } from "../tensor/mod.ts";

export const textRowsForward = defineOp({
  name: "text_rows_forward",
  phase: "forward",
  attributes: ["B", "T", "M", "D"],
  reads: { x: "B M+T D" },
  writes: { y: "B T D" },
  flops: () => 0,
});

export const textRowsBackward = defineOp({
  name: "text_rows_backward",
  phase: "backward",
  attributes: ["B", "T", "M", "D"],
  reads: { dy: "B T D" },
  writes: { dx: "B M+T D" },
  flops: () => 0,
});

/** y[b, t] = x[b, M + t]. Shapes: x [B, M + T, D]; returns y [B, T, D]. The gradient of the M rows that are cut is zero. */
export function textRows(tape: Tape, x: Tensor, { M }: { M: number }): Tensor {
  if (M === 0) return x;
  const [B, S, D] = dimsOf(x, 3);
  const attributes = { B, T: S - M, M, D };
  const y = tape.tensor("text", [B, S - M, D]);
  tape.step(textRowsForward, { attributes, reads: { x }, writes: { y } });
  tape.onBackward(() => {
    const dy = tape.gradient(y), dx = tape.target(x);
    if (!dy || !dx) return;
    tape.step(textRowsBackward, { attributes, reads: { dy }, writes: { dx: dx.tensor } });
  });
  return y;
}
