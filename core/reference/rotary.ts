/** Rotary position embedding, rotate-half layout, in float64. Source: Su et al., "RoFormer", 2021, eq. 34. */
import { zerosLike } from "./array.ts";
import type { Reference } from "./types.ts";

/**
 * Rotates the pair (i, i + K/2) of position t by sign times an angle: row position + t of the table [positions, 2, K/2] holds the
 * cosines and then the sines. Without `position` it starts at 0.
 */
export const rotary: Reference<"rotary"> = ({ x, table, position }, { B, T, H, K, sign }) => {
  const y = zerosLike(x), start = position?.at(0) ?? 0, half = K / 2;
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) {
      for (let h = 0; h < H; h++) {
        for (let i = 0; i < half; i++) {
          const cos = table.at(start + t, 0, i), sin = table.at(start + t, 1, i) * sign;
          const first = x.at(b, t, h, i), second = x.at(b, t, h, half + i);
          y.set(first * cos - second * sin, b, t, h, i);
          y.set(first * sin + second * cos, b, t, h, half + i);
        }
      }
    }
  }
  return { y };
};
