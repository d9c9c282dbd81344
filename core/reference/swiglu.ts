/**
 * The gated activation in float64, as plain loops.
 * Source: Shazeer, "GLU Variants Improve Transformer", 2020, eq. 6.
 */
import { silu, siluDerivative } from "./activations.ts";
import { need, type Reference } from "./types.ts";

/** Reads gu [R, 2F], gate before up; makes y [R, F]. */
export const swigluForward: Reference = (reads, { R, F }) => {
  const gu = need(reads, "gu"), y = new Float64Array(R! * F!);
  for (let r = 0; r < R!; r++) {
    for (let f = 0; f < F!; f++) y[r * F! + f] = silu(gu[r * 2 * F! + f]!) * gu[(r * 2 + 1) * F! + f]!;
  }
  return { y };
};

/** Reads dy [R, F] and gu [R, 2F]; makes dgu [R, 2F]. */
export const swigluBackward: Reference = (reads, { R, F }) => {
  const dy = need(reads, "dy"), gu = need(reads, "gu"), dgu = new Float64Array(R! * 2 * F!);
  for (let r = 0; r < R!; r++) {
    for (let f = 0; f < F!; f++) {
      const gate = r * 2 * F! + f, up = gate + F!, d = dy[r * F! + f]!;
      dgu[gate] = d * gu[up]! * siluDerivative(gu[gate]!);
      dgu[up] = d * silu(gu[gate]!);
    }
  }
  return { dgu };
};
