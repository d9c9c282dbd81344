/** Causal depthwise convolution with SiLU in float64, as plain loops. */
import { silu, siluDerivative } from "./activations.ts";
import { type Arrays, need, type Reference, type Sizes } from "./types.ts";

/** bias + Σ_j w[i, j] · x[t − (J − 1) + j] with zeros in front of the first position. */
function filtered(reads: Arrays, { T, I, J }: Sizes, [b, t, i]: readonly [number, number, number]): number {
  const x = need(reads, "x"), w = need(reads, "w");
  let sum = reads.bias?.[i] ?? 0;
  for (let j = 0; j < J!; j++) {
    const s = t - (J! - 1) + j;
    if (s >= 0) sum += w[i * J! + j]! * x[(b * T! + s) * I! + i]!;
  }
  return sum;
}

/** Reads x [B, T, I], w [I, J], bias [I] or nothing; makes y [B, T, I]. */
export const causalConvForward: Reference = (reads, sizes) => {
  const B = sizes.B!, T = sizes.T!, I = sizes.I!, y = new Float64Array(B * T * I);
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) {
      for (let i = 0; i < I; i++) y[(b * T + t) * I + i] = silu(filtered(reads, sizes, [b, t, i]));
    }
  }
  return { y };
};

/** Reads dy [B, T, I] and the inputs of the forward pass; makes dx [B, T, I], dw [I, J] and dbias [I]. */
export const causalConvBackward: Reference = (reads, sizes) => {
  const B = sizes.B!, T = sizes.T!, I = sizes.I!, J = sizes.J!;
  const dy = need(reads, "dy"), x = need(reads, "x"), w = need(reads, "w");
  const dx = new Float64Array(B * T * I), dw = new Float64Array(I * J), dbias = new Float64Array(I);
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) {
      for (let i = 0; i < I; i++) {
        const d = dy[(b * T + t) * I + i]! * siluDerivative(filtered(reads, sizes, [b, t, i]));
        dbias[i]! += d;
        for (let j = 0; j < J; j++) {
          const s = t - (J - 1) + j, at = (b * T + s) * I + i;
          if (s < 0) continue;
          dw[i * J + j]! += d * x[at]!;
          dx[at]! += d * w[i * J + j]!;
        }
      }
    }
  }
  return { dx, dw, dbias };
};
