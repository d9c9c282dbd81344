/** Joins two branches without norms: their sum, or a sum weighted by one learned number. */
import { HymbaError } from "../errors.ts";
import { defineOp, expectShape, isContiguous, type Tape, type Tensor } from "../tensor/mod.ts";

export const mixForward = defineOp({
  name: "mix_forward",
  phase: "forward",
  attributes: ["R", "I"],
  reads: { a: "R I", m: "R I", g: "1 ?" },
  writes: { y: "R I" },
  flops: ({ R, I }, { g }) => (g ? 3 : 1) * R * I,
});

export const mixBackward = defineOp({
  name: "mix_backward",
  phase: "backward",
  attributes: ["R", "I"],
  reads: { dy: "R I", a: "R I", m: "R I", g: "1" },
  writes: { da: "R I", dm: "R I", dg: "1" },
  flops: ({ R, I }) => 5 * R * I,
});

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
  tape.step(mixForward, { attributes, reads: { a, m, g }, writes: { y } });
  tape.onBackward(() => {
    const dy = tape.gradient(y);
    if (!dy) return;
    if (!g) {
      tape.alias(a, dy);
      tape.alias(m, dy);
      return;
    }
    const [da, dm, dg] = [a, m, g].map((x) => tape.target(x));
    if (!da || !dm || !dg || da.accumulate || dm.accumulate || dg.accumulate) {
      throw new HymbaError("mix: an input has several uses; expected: one use of each");
    }
    const writes = { da: da.tensor, dm: dm.tensor, dg: dg.tensor };
    tape.step(mixBackward, { attributes, reads: { dy, a, m, g }, writes });
  });
  return y;
}
