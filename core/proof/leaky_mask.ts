/** The mask that made the documented study's perplexities of 5 to 7: kept as evidence, and used by no model. */
import type { Mask } from "./visibility.ts";

/** Where the documented study stood: 256 tokens of text, a window of 128, 64 meta tokens in its hybrids. */
export const DOCUMENTED = { T: 256, W: 128, M: 64 } as const;

/**
 * Local attention of the documented study. Keys and values are cropped to the M meta tokens and the last W text positions, as
 * in a cache; the causal window is then applied to the indices of the cropped keys as if they were positions. So index j of the
 * text stands for the token at T − W + j, and a query that asks for its past is given a later part of the text.
 */
export function croppedMask({ T, W, M }: { T: number; W: number; M: number }): Mask {
  const cropped = Math.max(0, T - W);
  return {
    M,
    T,
    sees(q, k) {
      if (k < M) return true;
      const index = k - M - cropped, query = q - M;
      return index >= 0 && index <= query && query - index < W;
    },
  };
}
