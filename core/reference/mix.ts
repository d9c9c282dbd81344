/** The sum of two branches in float64, plain or with one gate, as plain loops. */
import { need, type Reference } from "./types.ts";

const share = (g: Float64Array | undefined) => g ? 1 / (1 + Math.exp(-g[0]!)) : undefined;

/** Reads a, m [R, I] and perhaps g [1]; makes y [R, I]. */
export const mixForward: Reference = (reads, { R, I }) => {
  const a = need(reads, "a"), m = need(reads, "m"), s = share(reads.g);
  return {
    y: Float64Array.from({ length: R! * I! }, (_, i) => (s ?? 1) * a[i]! + (s === undefined ? 1 : 1 - s) * m[i]!),
  };
};

/** Reads dy, a, m [R, I] and g [1]; makes da, dm [R, I] and dg [1]. */
export const mixBackward: Reference = (reads) => {
  const dy = need(reads, "dy"), a = need(reads, "a"), m = need(reads, "m"), s = share(need(reads, "g"))!;
  const dg = dy.reduce((sum, d, i) => sum + d * (a[i]! - m[i]!), 0) * s * (1 - s);
  return { da: dy.map((d) => s * d), dm: dy.map((d) => (1 - s) * d), dg: Float64Array.of(dg) };
};
