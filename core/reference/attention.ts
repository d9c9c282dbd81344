/**
 * Attention in float64. Sources: Vaswani et al., "Attention Is All You Need", 2017, eq. 1, with a sliding window and a prefix
 * that every later query sees; the gradients are those of Dao, "FlashAttention-2", 2023, algorithm 2.
 */
import { addScaled, dot, zeros, zerosLike } from "./typed_array.ts";
import type { ReadsNamed, Reference } from "./types.ts";

/** Whether the query at position t sees the key at position s. */
type Visible = (t: number, s: number) => boolean;

/** A query sees the keys up to its own position: all of them, or the last `window` and the first `meta`. */
const causal = ({ window, meta }: { window: number; meta: number }): Visible => (t, s) =>
  s <= t && (window === 0 || t - s < window || s < meta);

/**
 * The leaky mask of core/ops/cropped_attention.ts. The `crop` keys behind the first `meta` are left out. A key s behind them counts
 * as position s − crop.
 */
const cropped = ({ window, meta, crop }: { window: number; meta: number; crop: number }): Visible => (t, s) =>
  s < meta || (s >= meta + crop && s - crop <= t && t - (s - crop) < window);

interface Sizes {
  readonly B: number;
  readonly T: number;
  readonly H: number;
  readonly G: number;
  readonly K: number;
  readonly Kv: number;
  readonly visible: Visible;
}

/** The key head of query head h: H / G query heads share one. */
const keyHead = (h: number, { H, G }: { H: number; G: number }) => Math.floor(h / (H / G));

/** score = q · k / √K, lse = log Σ exp(score), o = Σ exp(score − lse) · v, with sums over the keys that the query sees. */
function forward({ q, k, v }: ReadsNamed<"attention_forward">, { B, T, H, G, K, Kv, visible }: Sizes) {
  const o = zeros(B, T, H, Kv), lse = zeros(B, T, H);
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) {
      const seen = Array.from({ length: T }, (_, s) => s).filter((s) => visible(t, s));
      for (let h = 0; h < H; h++) {
        const g = keyHead(h, { H, G }), scores = zeros(T);
        for (const s of seen) scores.set(dot(q.row(b, t, h), k.row(b, s, g)) / Math.sqrt(K), s);
        const highest = seen.reduce((most, s) => Math.max(most, scores.at(s)), -Infinity);
        const sum = seen.reduce((sum, s) => sum + Math.exp(scores.at(s) - highest), 0);
        lse.set(highest + Math.log(sum), b, t, h);
        for (const s of seen) {
          addScaled(o.row(b, t, h), Math.exp(scores.at(s) - lse.at(b, t, h)), v.row(b, s, g));
        }
      }
    }
  }
  return { o, lse };
}

/** For each key that the query sees: p = exp(score − lse), ds = p · (dO · v − dO · o) / √K, dq += ds · k, dk += ds · q, dv += p · dO. */
function backward({ q, k, v, o, lse, dO }: ReadsNamed<"attention_backward">, { B, T, H, G, K, visible }: Sizes) {
  const dq = zerosLike(q), dk = zerosLike(k), dv = zerosLike(v), scale = 1 / Math.sqrt(K);
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) {
      for (let h = 0; h < H; h++) {
        const g = keyHead(h, { H, G }), qt = q.row(b, t, h), dOt = dO.row(b, t, h), delta = dot(dOt, o.row(b, t, h));
        for (let s = 0; s < T; s++) {
          if (!visible(t, s)) continue;
          const p = Math.exp(dot(qt, k.row(b, s, g)) * scale - lse.at(b, t, h));
          const ds = p * (dot(dOt, v.row(b, s, g)) - delta) * scale;
          addScaled(dq.row(b, t, h), ds, k.row(b, s, g));
          addScaled(dk.row(b, s, g), ds, qt);
          addScaled(dv.row(b, s, g), p, dOt);
        }
      }
    }
  }
  return { dq, dk, dv };
}

export const attentionForward: Reference<"attention_forward"> = (reads, attributes) =>
  forward(reads, { ...attributes, visible: causal(attributes) });

export const attentionBackward: Reference<"attention_backward"> = (reads, attributes) =>
  backward(reads, { ...attributes, visible: causal(attributes) });

export const croppedAttentionForward: Reference<"cropped_attention_forward"> = (reads, attributes) =>
  forward(reads, { ...attributes, visible: cropped(attributes) });

export const croppedAttentionBackward: Reference<"cropped_attention_backward"> = (reads, attributes) =>
  backward(reads, { ...attributes, visible: cropped(attributes) });

/** p = exp(score − lse) of batch row 0. It is zero where the query does not see the key. */
export const attentionMap: Reference<"attention_map"> = ({ q, k, lse }, { T, H, G, K, window, meta }) => {
  const p = zeros(H, T, T), visible = causal({ window, meta });
  for (let h = 0; h < H; h++) {
    for (let t = 0; t < T; t++) {
      for (let s = 0; s < T; s++) {
        if (!visible(t, s)) continue;
        const score = dot(q.row(0, t, h), k.row(0, s, keyHead(h, { H, G }))) / Math.sqrt(K);
        p.set(Math.exp(score - lse.at(0, t, h)), h, t, s);
      }
    }
  }
  return { p };
};
