/** Rotary position embedding, rotate-half layout, in float64. Source: Su et al., "RoFormer", 2021, eq. 34. */
import { zerosLike } from "./typed_array.ts";
import type { Reference } from "./types.ts";

/**
 * Rotates the pair (i, i + K/2) of position t by sign times an angle: row position[b] + t of the table [positions, 2, K/2] holds the
 * cosines and then the sines. Without `position` it starts at 0. With `low` the angle is the sum of two: of row p mod low and of row
 * low + floor(p / low).
 */
export const rotary: Reference<"rotary"> = ({ x, table, position }, { B, T, H, K, sign, low }) => {
  const y = zerosLike(x), half = K / 2;
  const angle = (p: number, i: number) => {
    if (low === 0) return { cos: table.at(p, 0, i), sin: table.at(p, 1, i) };
    const near = p % low, far = low + Math.floor(p / low);
    const c = table.at(near, 0, i), s = table.at(near, 1, i), C = table.at(far, 0, i), S = table.at(far, 1, i);
    return { cos: c * C - s * S, sin: s * C + c * S };
  };
  for (let b = 0; b < B; b++) {
    const start = position?.at(b) ?? 0;
    for (let t = 0; t < T; t++) {
      for (let h = 0; h < H; h++) {
        for (let i = 0; i < half; i++) {
          const { cos, sin: positive } = angle(start + t, i), sin = positive * sign;
          const first = x.at(b, t, h, i), second = x.at(b, t, h, half + i);
          y.set(first * cos - second * sin, b, t, h, i);
          y.set(first * sin + second * cos, b, t, h, half + i);
        }
      }
    }
  }
  return { y };
};
