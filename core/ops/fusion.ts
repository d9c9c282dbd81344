/** Joins the attention and the Mamba branch of a hybrid-head layer. */
import { HymbaError } from "../errors.ts";
import { defineOp, expectShape, type Tape, type Tensor } from "../tensor/mod.ts";

export const fusionForward = defineOp({
  name: "fusion_forward",
  phase: "forward",
  attributes: ["R", "I", "eps"],
  reads: { a: "R I", m: "R I", wa: "I", wm: "I" },
  writes: { y: "R I", r: "R 2" },
  flops: ({ R, I }) => 8 * R * I,
  exactWrites: ["r"],
});

export const fusionBackward = defineOp({
  name: "fusion_backward",
  phase: "backward",
  attributes: ["R", "I", "eps"],
  reads: { dy: "R I", a: "R I", m: "R I", wa: "I", wm: "I", r: "R 2" },
  writes: { da: "R I", dm: "R I", dwa: "I", dwm: "I" },
  flops: ({ R, I }) => 20 * R * I,
});

/**
 * y = ½ (wa · rms(a) + wm · rms(m)) with rms(x) = x · (mean(x²) + eps)^-½ over each row.
 * Shapes: a, m [..., I] (same rows), wa, wm [I]; returns y [..., I].
 * Source: Dong et al., "Hymba", 2024, eq. 3, with the mean that the published code takes.
 */
export function fusion(
  tape: Tape,
  { a, m, wa, wm }: { a: Tensor; m: Tensor; wa: Tensor; wm: Tensor },
  { eps }: { eps: number },
): Tensor {
  const R = m.rows, I = m.columns;
  for (const w of [wa, wm]) expectShape(w, [I], "fusion");
  if (a.rows !== R || a.columns !== I) throw new HymbaError(`fusion: a is [${a.shape}], m is [${m.shape}]`);
  const y = tape.tensor("fused", m.shape);
  /** The reciprocal root mean squares of a and of m. */
  const r = tape.tensor("rms", [R, 2]);
  const attributes = { R, I, eps };
  tape.step(fusionForward, { attributes, reads: { a, m, wa, wm }, writes: { y, r } });
  tape.onBackward(() => {
    const dy = tape.gradient(y);
    if (!dy) return;
    const [da, dm, dwa, dwm] = [a, m, wa, wm].map((x) => tape.target(x));
    if (!da || !dm || !dwa || !dwm || da.accumulate || dm.accumulate) {
      throw new HymbaError("fusion: an input has several uses; expected: one use of each");
    }
    const writes = { da: da.tensor, dm: dm.tensor, dwa: dwa.tensor, dwm: dwm.tensor };
    tape.step(fusionBackward, { attributes, reads: { dy, a, m, wa, wm, r }, writes });
  });
  return y;
}
