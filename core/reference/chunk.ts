/** A chunk of positions behind caches and states, in float64. Each op is the one-position op of decode.ts, repeated. */
import { at } from "../lists.ts";
import { silu, softplus } from "./activations.ts";
import { addScaled, dot, zeros, zerosLike } from "./typed_array.ts";
import { slotOf } from "./decode.ts";
import type { Reference } from "./types.ts";

/** Where the key and value of position s are: in the chunk from its start on, before that in the cache. */
export const attentionChunk: Reference<"attention_chunk"> = (reads, { B, T, H, G, K, Kv, window, meta }) => {
  const { q, k, v, kCache, vCache, start } = reads, o = zeros(B, T, H, Kv);
  for (let b = 0; b < B; b++) {
    const first = start.at(b);
    const rowsOf = (s: number, g: number) => {
      if (s >= first) return { key: k.row(b, s - first, g), value: v.row(b, s - first, g) };
      const slot = slotOf(s, { window, meta });
      return { key: kCache.row(b, slot, g), value: vCache.row(b, slot, g) };
    };
    for (let t = 0; t < T; t++) {
      const position = first + t, seen: number[] = [];
      for (let s = 0; s <= position; s++) if (window === 0 || position - s < window || s < meta) seen.push(s);
      for (let h = 0; h < H; h++) {
        const g = Math.floor(h / (H / G));
        const scores = seen.map((s) => dot(q.row(b, t, h), rowsOf(s, g).key) / Math.sqrt(K));
        const highest = scores.reduce((most, score) => Math.max(most, score), -Infinity);
        const total = scores.reduce((sum, score) => sum + Math.exp(score - highest), 0);
        for (const [i, s] of seen.entries()) {
          addScaled(o.row(b, t, h), Math.exp(at(scores, i) - highest) / total, rowsOf(s, g).value);
        }
      }
    }
  }
  return { o };
};

/** Puts the keys and values of the first count[b] positions into their slots, in order. */
export const cacheFill: Reference<"cache_fill"> = (reads, { B, G, window, meta }) => {
  const { k, v, start, count } = reads, kCache = reads.kCache.copy(), vCache = reads.vCache.copy();
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < count.at(b); t++) {
      const slot = slotOf(start.at(b) + t, { window, meta });
      for (let g = 0; g < G; g++) {
        kCache.row(b, slot, g).copyFrom(k.row(b, t, g));
        vCache.row(b, slot, g).copyFrom(v.row(b, t, g));
      }
    }
  }
  return { kCache, vCache };
};

/** y[t] = silu(bias + Σ_j w[i, j] · input[t − (J − 1) + j]); the inputs before the chunk are those of the state, oldest first. */
export const convChunk: Reference<"conv_chunk"> = ({ x, w, bias, count, state: before }, { B, T, I, J }) => {
  const y = zeros(B, T, I), state = zerosLike(before), kept = J - 1;
  for (let b = 0; b < B; b++) {
    for (let i = 0; i < I; i++) {
      const input = (t: number) => t < 0 ? before.at(b, kept + t, i) : x.at(b, t, i);
      for (let t = 0; t < T; t++) {
        let sum = bias?.at(i) ?? 0;
        for (let j = 0; j < J; j++) sum += w.at(i, j) * input(t - kept + j);
        y.set(silu(sum), b, t, i);
      }
      for (let j = 0; j < kept; j++) state.set(input(count.at(b) - kept + j), b, j, i);
    }
  }
  return { y, state };
};

/** h = exp(dt · A) · h + dt · u · B, y = (C · h + skip · u) · silu(z), with A = −exp(aLog). Behind the count y is 0 here; other executors may leave any finite number. */
export const scanChunk: Reference<"scan_chunk"> = (reads, { B, T, I, N, softplus: smooth }) => {
  const { udt, bc, z, aLog, skip, dtBias, count } = reads, state = reads.state.copy(), y = zeros(B, T, I);
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < Math.min(T, count.at(b)); t++) {
      for (let i = 0; i < I; i++) {
        const u = udt.at(b, t, 0, i), raw = udt.at(b, t, 1, i) + (dtBias?.at(i) ?? 0);
        const dt = smooth ? softplus(raw) : raw;
        let sum = (skip?.at(i) ?? 0) * u;
        for (let n = 0; n < N; n++) {
          const h = Math.exp(-dt * Math.exp(aLog.at(i, n))) * state.at(b, i, n) + dt * u * bc.at(b, t, 0, n);
          state.set(h, b, i, n);
          sum += bc.at(b, t, 1, n) * h;
        }
        y.set(sum * (z ? silu(z.at(b, t, i)) : 1), b, t, i);
      }
    }
  }
  return { y, state };
};
