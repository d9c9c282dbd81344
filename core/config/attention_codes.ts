/** Attention probabilities in a byte each: small enough to keep every head of every shown layer. */
import { at } from "../lists.ts";

/** The least probability with its own code. Smaller ones and masked pairs have code 0. */
export const LEAST_PROBABILITY = 1e-6;

const STEPS = 254, OCTAVES = -Math.log(LEAST_PROBABILITY);

/**
 * Codes of the lower triangle of each head, row by row: heads [H, P, P] to [H, P (P + 1) / 2]. 1 to 255 are even steps of the
 * logarithm from LEAST_PROBABILITY to 1, so a decoded probability is off by at most 2.8 %.
 */
export function attentionCodes(heads: Float32Array, P: number): Uint8Array<ArrayBuffer> {
  const H = heads.length / P ** 2, codes = new Uint8Array(H * P * (P + 1) / 2);
  let next = 0;
  for (let h = 0; h < H; h++) {
    for (let q = 0; q < P; q++) {
      for (let k = 0; k <= q; k++) codes[next++] = codeOf(at(heads, (h * P + q) * P + k));
    }
  }
  return codes;
}

const codeOf = (p: number) =>
  p < LEAST_PROBABILITY ? 0 : 1 + Math.round(STEPS * Math.min(1, 1 + Math.log(p) / OCTAVES));

/** The probability of a code. */
export const probabilityOf = (code: number): number => code === 0 ? 0 : Math.exp(OCTAVES * ((code - 1) / STEPS - 1));
