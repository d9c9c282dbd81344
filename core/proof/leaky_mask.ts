/** The mask that caused the documented study's perplexities of 5 to 7. It is here as evidence; no model uses it. */
import type { Mask } from "./visibility.ts";

/** The sizes of the documented study: 256 tokens of text, a window of 128, 64 meta tokens in its hybrids. */
export const DOCUMENTED = { T: 256, W: 128, M: 64 } as const;

/**
 * Local attention of the documented study. Keys and values are cropped to the M meta tokens and the last W text positions, like
 * in a cache. Then the causal window is applied to the indices of the cropped keys, as if these were positions. But index j of the
 * text is the token at T − W + j, so a query sees later text in place of its past.
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
