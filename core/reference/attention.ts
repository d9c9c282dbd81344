/**
 * Attention in float64. Sources: Vaswani et al., "Attention Is All You Need", 2017, eq. 1, with a sliding window and a prefix
 * that every later query sees; the gradients are those of Dao, "FlashAttention-2", 2023, algorithm 2.
 */
import { at } from "../lists.ts";
import { addScaled, dot, indicesOf, zeros, zerosLike } from "./typed_array.ts";
import type { ReadsNamed, Reference } from "./types.ts";

/** The positions of the keys that each query sees, in order. */
export type Seen = readonly (readonly number[])[];

const positions = (count: number) => Array.from({ length: count }, (_, t) => t);

/** A query sees the keys up to its own position: all of them, or the last `window` and the first `meta`. */
export const causalKeys = ({ T, window, meta }: { T: number; window: number; meta: number }): Seen =>
  positions(T).map((t) => positions(t + 1).filter((s) => window === 0 || t - s < window || s < meta));

type Sizes = Readonly<Record<"B" | "T" | "H" | "G" | "K" | "Kv", number>>;

/** The key head of query head h: H / G query heads share one. */
export const keyHead = (h: number, { H, G }: Pick<Sizes, "H" | "G">): number => Math.floor(h / (H / G));

/** score = q · k / √K, lse = log Σ exp(score), o = Σ exp(score − lse) · v, with sums over the keys that the query sees. */
export function forward({ q, k, v }: ReadsNamed<"attention_forward">, sizes: Sizes, { seen }: { seen: Seen }) {
  const { B, T, H, K, Kv } = sizes, o = zeros(B, T, H, Kv), lse = zeros(B, T, H);
  for (const [b, t, h] of indicesOf(lse)) {
    const g = keyHead(h, sizes), keys = at(seen, t);
    const scores = keys.map((s) => dot(q.row(b, t, h), k.row(b, s, g)) / Math.sqrt(K));
    const highest = Math.max(...scores), sum = scores.reduce((sum, score) => sum + Math.exp(score - highest), 0);
    lse.set(highest + Math.log(sum), b, t, h);
    for (const [i, s] of keys.entries()) {
      addScaled(o.row(b, t, h), Math.exp(at(scores, i) - lse.at(b, t, h)), v.row(b, s, g));
    }
  }
  return { o, lse };
}

/** For each key that the query sees: p = exp(score − lse), ds = p · (dO · v − dO · o) / √K, dq += ds · k, dk += ds · q, dv += p · dO. */
export function backward(
  { q, k, v, o, lse, dO }: ReadsNamed<"attention_backward">,
  sizes: Sizes,
  { seen }: { seen: Seen },
) {
  const dq = zerosLike(q), dk = zerosLike(k), dv = zerosLike(v), scale = 1 / Math.sqrt(sizes.K);
  for (const [b, t, h] of indicesOf(lse)) {
    const g = keyHead(h, sizes), qt = q.row(b, t, h), dOt = dO.row(b, t, h), delta = dot(dOt, o.row(b, t, h));
    for (const s of at(seen, t)) {
      const p = Math.exp(dot(qt, k.row(b, s, g)) * scale - lse.at(b, t, h));
      const ds = p * (dot(dOt, v.row(b, s, g)) - delta) * scale;
      addScaled(dq.row(b, t, h), ds, k.row(b, s, g));
      addScaled(dk.row(b, s, g), ds, qt);
      addScaled(dv.row(b, s, g), p, dOt);
    }
  }
  return { dq, dk, dv };
}

export const attentionForward: Reference<"attention_forward"> = (reads, sizes) =>
  forward(reads, sizes, { seen: causalKeys(sizes) });

export const attentionBackward: Reference<"attention_backward"> = (reads, sizes) =>
  backward(reads, sizes, { seen: causalKeys(sizes) });
