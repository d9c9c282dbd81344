/** The sum of two branches in float64: y = a + m, or y = s · a + (1 − s) · m with s = sigmoid(g). */
import { sigmoid } from "./activations.ts";
import { vector, zeros } from "./typed_array.ts";
import type { Reference } from "./types.ts";

export const mixForward: Reference<"mix_forward"> = ({ a, m, g }, { R, I }) => {
  const y = zeros(R, I), [ofA, ofM] = g ? [sigmoid(g.at(0)), 1 - sigmoid(g.at(0))] : [1, 1];
  for (let r = 0; r < R; r++) {
    for (let i = 0; i < I; i++) y.set(ofA * a.at(r, i) + ofM * m.at(r, i), r, i);
  }
  return { y };
};

/** da = s · dy, dm = (1 − s) · dy, dg = Σ dy · (a − m) · s · (1 − s), as ds / dg = s · (1 − s). */
export const mixBackward: Reference<"mix_backward"> = ({ dy, a, m, g }, { R, I }) => {
  const da = zeros(R, I), dm = zeros(R, I), s = sigmoid(g.at(0));
  let ds = 0;
  for (let r = 0; r < R; r++) {
    for (let i = 0; i < I; i++) {
      da.set(s * dy.at(r, i), r, i);
      dm.set((1 - s) * dy.at(r, i), r, i);
      ds += dy.at(r, i) * (a.at(r, i) - m.at(r, i));
    }
  }
  return { da, dm, dg: vector(ds * s * (1 - s)) };
};
