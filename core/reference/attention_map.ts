/** Attention probabilities in float64. */
import { causalKeys, keyHead } from "./attention.ts";
import { dot, zeros } from "./typed_array.ts";
import type { Reference } from "./types.ts";

/** p = exp(score − lse) of batch row 0. It is zero where the query does not see the key. */
export const attentionMap: Reference<"attention_map"> = ({ q, k, lse }, { T, H, G, K, window, meta }) => {
  const p = zeros(H, T, T);
  for (const [t, keys] of causalKeys({ T, window, meta }).entries()) {
    for (let h = 0; h < H; h++) {
      for (const s of keys) {
        const score = dot(q.row(0, t, h), k.row(0, s, keyHead(h, { H, G }))) / Math.sqrt(K);
        p.set(Math.exp(score - lse.at(0, t, h)), h, t, s);
      }
    }
  }
  return { p };
};
