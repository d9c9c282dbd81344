/**
 * The mean of two weighted RMS norms in float64, as plain loops.
 * Source: Dong et al., "Hymba", 2024, eq. 3, with the mean that the published code takes.
 */
import { need, type Reference } from "./types.ts";

/** Reads a, m [R, I], wa, wm [I]; makes y [R, I] and r [R, 2], the reciprocal root mean squares of a and of m. */
export const fusionForward: Reference = (reads, { R, I, eps }) => {
  const y = new Float64Array(R! * I!), r = new Float64Array(R! * 2);
  for (
    const [side, x, w] of [[0, need(reads, "a"), need(reads, "wa")], [1, need(reads, "m"), need(reads, "wm")]] as const
  ) {
    for (let row = 0; row < R!; row++) {
      let squares = 0;
      for (let i = 0; i < I!; i++) squares += x[row * I! + i]! ** 2;
      r[row * 2 + side] = 1 / Math.sqrt(squares / I! + eps!);
      for (let i = 0; i < I!; i++) y[row * I! + i]! += 0.5 * w[i]! * x[row * I! + i]! * r[row * 2 + side]!;
    }
  }
  return { y, r };
};

/** Reads dy, a, m [R, I], wa, wm [I] and r [R, 2]; makes da, dm [R, I] and dwa, dwm [I]. */
export const fusionBackward: Reference = (reads, { R, I }) => {
  const dy = need(reads, "dy"), r = need(reads, "r");
  const backward = (x: Float64Array, w: Float64Array, side: number) => {
    const dx = new Float64Array(R! * I!), dw = new Float64Array(I!);
    for (let row = 0; row < R!; row++) {
      const scale = r[row * 2 + side]!;
      let dot = 0;
      for (let at = row * I!, i = 0; i < I!; i++, at++) dot += 0.5 * dy[at]! * w[i]! * x[at]! * scale;
      for (let at = row * I!, i = 0; i < I!; i++, at++) {
        dx[at] = scale * (0.5 * dy[at]! * w[i]! - x[at]! * scale * dot / I!);
        dw[i]! += 0.5 * dy[at]! * x[at]! * scale;
      }
    }
    return [dx, dw] as const;
  };
  const [da, dwa] = backward(need(reads, "a"), need(reads, "wa"), 0);
  const [dm, dwm] = backward(need(reads, "m"), need(reads, "wm"), 1);
  return { da, dm, dwa, dwm };
};
