/** Rotary position embedding, rotate-half layout, in float64. Source: Su et al., "RoFormer", 2021. */
import { need, type Reference } from "./types.ts";

/**
 * Reads x [B, T, H, K], table [positions, 2, K/2] (cosines, sines) and position [1] or nothing; makes y [B, T, H, K]:
 * the pair (i, i + K/2) of position t turned by sign times the angle of table row position + t.
 */
export const rotary: Reference = (reads, { B, T, H, K, sign }) => {
  const x = need(reads, "x"), table = need(reads, "table"), start = reads.position?.[0] ?? 0, half = K! / 2;
  const y = new Float64Array(x.length);
  for (let row = 0; row < B! * T! * H!; row++) {
    const angles = (start + Math.floor(row / H!) % T!) * K!;
    for (let i = 0; i < half; i++) {
      const cos = table[angles + i]!, sin = table[angles + half + i]! * sign!;
      const first = x[row * K! + i]!, second = x[row * K! + half + i]!;
      y[row * K! + i] = first * cos - second * sin;
      y[row * K! + half + i] = first * sin + second * cos;
    }
  }
  return { y };
};
