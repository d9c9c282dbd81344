/** The gated activation in float64: y = silu(gate) · up. Source: Shazeer, "GLU Variants Improve Transformer", 2020, eq. 6. */
import { silu, siluDerivative } from "./activations.ts";
import { zeros, zerosLike } from "./typed_array.ts";
import type { Reference } from "./types.ts";

/** A row of gu is F gates, then F ups. */
export const swigluForward: Reference<"swiglu_forward"> = ({ gu }, { R, F }) => {
  const y = zeros(R, F);
  for (let r = 0; r < R; r++) {
    for (let f = 0; f < F; f++) y.set(silu(gu.at(r, f)) * gu.at(r, F + f), r, f);
  }
  return { y };
};

/** dgate = dy · up · silu′(gate), dup = dy · silu(gate). */
export const swigluBackward: Reference<"swiglu_backward"> = ({ dy, gu }, { R, F }) => {
  const dgu = zerosLike(gu);
  for (let r = 0; r < R; r++) {
    for (let f = 0; f < F; f++) {
      const d = dy.at(r, f), gate = gu.at(r, f), up = gu.at(r, F + f);
      dgu.set(d * up * siluDerivative(gate), r, f);
      dgu.set(d * silu(gate), r, F + f);
    }
  }
  return { dgu };
};
