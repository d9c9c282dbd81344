/** The causal depthwise convolution of Mamba with its SiLU, in float64. Source: Gu and Dao, "Mamba", 2023, section 3.4. */
import { silu, siluDerivative } from "./activations.ts";
import { zeros, zerosLike } from "./typed_array.ts";
import type { ReadsNamed, Reference } from "./types.ts";

/** pre = bias + Σ_j w[i, j] · x[t − (J − 1) + j] for one position and channel. Positions before the first are zero. */
function preactivation(
  { x, w, bias }: ReadsNamed<"causal_conv_forward">,
  { b, t, i, J }: { b: number; t: number; i: number; J: number },
): number {
  let sum = bias?.at(i) ?? 0;
  for (let j = 0; j < J; j++) {
    const s = t - (J - 1) + j;
    if (s >= 0) sum += w.at(i, j) * x.at(b, s, i);
  }
  return sum;
}

/** y = silu(pre) */
export const causalConvForward: Reference<"causal_conv_forward"> = (reads, { B, T, I, J }) => {
  const y = zeros(B, T, I);
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) {
      for (let i = 0; i < I; i++) y.set(silu(preactivation(reads, { b, t, i, J })), b, t, i);
    }
  }
  return { y };
};

/** d = dy · silu′(pre), dbias = Σ d, dw[i, j] = Σ d[t] · x[t − (J − 1) + j], dx[t − (J − 1) + j] += d[t] · w[i, j]. */
export const causalConvBackward: Reference<"causal_conv_backward"> = (reads, { B, T, I, J }) => {
  const { dy, x, w } = reads, dx = zerosLike(x), dw = zerosLike(w), dbias = zeros(I);
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) {
      for (let i = 0; i < I; i++) {
        const d = dy.at(b, t, i) * siluDerivative(preactivation(reads, { b, t, i, J }));
        dbias.add(d, i);
        for (let j = 0; j < J; j++) {
          const s = t - (J - 1) + j;
          if (s < 0) continue;
          dw.add(d * x.at(b, s, i), i, j);
          dx.add(d * w.at(i, j), b, s, i);
        }
      }
    }
  }
  return { dx, dw, dbias };
};
