/** Joins two branches without norms: their sum, or a sum weighted by one learned number. */
import { HymbaError } from "../errors.ts";
import { expectShape, isContiguous, type Tape, type Tensor } from "../tensor/mod.ts";

/**
 * y = a + m, or with a gate y = s · a + (1 − s) · m with s = sigmoid(g).
 * Shapes: a, m [..., I] (same rows), g [1]; returns y shaped as m. Without a gate, a and m are whole tensors, whose gradient
 * is that of y itself.
 */
export function mix(tape: Tape, { a, m, g }: { a: Tensor; m: Tensor; g?: Tensor }): Tensor {
  const R = m.rows, I = m.columns;
  if (a.rows !== R || a.columns !== I) throw new HymbaError(`mix: a is [${a.shape}], m is [${m.shape}]`);
  if (g) expectShape(g, [1], "mix");
  else if (!isContiguous(a) || !isContiguous(m)) throw new HymbaError("mix: a sum takes whole tensors, not slices");
  const y = tape.tensor("mixed branches", m.shape), attributes = { R, I };
  tape.step("mix_forward", { attributes, reads: { a, m, g }, writes: { y }, flops: (g ? 3 : 1) * R * I });
  tape.onBackward(() => {
    const dy = tape.gradient(y);
    if (!dy) return;
    if (!g) return tape.alias(a, dy), tape.alias(m, dy);
    const [da, dm, dg] = [a, m, g].map((x) => tape.target(x));
    if (!da || !dm || !dg || da.accumulate || dm.accumulate || dg.accumulate) {
      throw new HymbaError("mix: its inputs have one use each");
    }
    const writes = { da: da.tensor, dm: dm.tensor, dg: dg.tensor };
    tape.step("mix_backward", { attributes, reads: { dy, a, m, g }, writes, flops: 5 * R * I });
  });
  return y;
}
