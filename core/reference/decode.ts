/**
 * The ops of generation in float64: one position of B sequences. Returns caches and states as they are after the position.
 * The mathematics is that of attention.ts, causal_conv.ts and selective_scan.ts with T = 1.
 */
import { silu, softplus } from "./activations.ts";
import { addScaled, dot, zeros, zerosLike } from "./typed_array.ts";
import type { Reference } from "./types.ts";

/** x[b] = meta[position] for a meta position, else table[token[b]]. */
export const embedStep: Reference<"embed_step"> = ({ token, position, table, meta }, { B, M, D }) => {
  const x = zeros(B, 1, D);
  for (let b = 0; b < B; b++) {
    const t = position.at(b);
    x.row(b).copyFrom(meta && t < M ? meta.row(t) : table.row(token.at(b)));
  }
  return { x };
};

/** The slot of a position. Meta positions keep their slots; with a window, the others use the `window` slots behind them in a ring. */
export const slotOf = (position: number, { window, meta }: { window: number; meta: number }) =>
  window === 0 || position < meta ? position : meta + (position - meta) % window;

/** Puts the key and the value of the position into its slot. */
export const cacheAppend: Reference<"cache_append"> = (reads, { B, G, window, meta }) => {
  const { k, v, position } = reads, kCache = reads.kCache.copy(), vCache = reads.vCache.copy();
  for (let b = 0; b < B; b++) {
    const slot = slotOf(position.at(b), { window, meta });
    for (let g = 0; g < G; g++) {
      kCache.row(b, slot, g).copyFrom(k.row(b, 0, g));
      vCache.row(b, slot, g).copyFrom(v.row(b, 0, g));
    }
  }
  return { kCache, vCache };
};

/** o = softmax(q · kᵀ / √K) · v over the slots that hold a position: all positions, or `meta` and the last `window`. */
export const attentionDecode: Reference<"attention_decode"> = (reads, { B, H, G, K, Kv, window, meta }) => {
  const { q, kCache, vCache, position } = reads, o = zeros(B, 1, H, Kv);
  for (let b = 0; b < B; b++) {
    const positions = position.at(b) + 1, slots = window === 0 ? positions : Math.min(positions, meta + window);
    for (let h = 0; h < H; h++) {
      const g = Math.floor(h / (H / G)), scores = zeros(slots);
      for (let s = 0; s < slots; s++) scores.set(dot(q.row(b, 0, h), kCache.row(b, s, g)) / Math.sqrt(K), s);
      let highest = -Infinity, total = 0;
      for (let s = 0; s < slots; s++) highest = Math.max(highest, scores.at(s));
      for (let s = 0; s < slots; s++) total += Math.exp(scores.at(s) - highest);
      for (let s = 0; s < slots; s++) {
        addScaled(o.row(b, 0, h), Math.exp(scores.at(s) - highest) / total, vCache.row(b, s, g));
      }
    }
  }
  return { o };
};

/** y = silu(bias + Σ_j w[i, j] · input[j]); the inputs are the J − 1 of the state and x. The state drops its oldest and takes x. */
export const convStep: Reference<"conv_step"> = ({ x, w, bias, state: before }, { B, I, J }) => {
  const y = zeros(B, 1, I), state = zerosLike(before), kept = J - 1;
  for (let b = 0; b < B; b++) {
    for (let i = 0; i < I; i++) {
      let sum = bias?.at(i) ?? 0;
      for (let j = 0; j < J; j++) {
        const input = j < kept ? before.at(b, j, i) : x.at(b, 0, i);
        sum += w.at(i, j) * input;
        if (j > 0) state.set(input, b, j - 1, i);
      }
      y.set(silu(sum), b, 0, i);
    }
  }
  return { y, state };
};

/** h = exp(dt · A) · h + dt · u · B, y = (C · h + skip · u) · silu(z), with A = −exp(aLog) and h the state. */
export const scanStep: Reference<"scan_step"> = (reads, { B, I, N, softplus: smooth }) => {
  const { udt, bc, z, aLog, skip, dtBias } = reads, state = reads.state.copy(), y = zeros(B, 1, I);
  for (let b = 0; b < B; b++) {
    for (let i = 0; i < I; i++) {
      const u = udt.at(b, 0, 0, i), raw = udt.at(b, 0, 1, i) + (dtBias?.at(i) ?? 0), dt = smooth ? softplus(raw) : raw;
      let sum = (skip?.at(i) ?? 0) * u;
      for (let n = 0; n < N; n++) {
        const h = Math.exp(-dt * Math.exp(aLog.at(i, n))) * state.at(b, i, n) + dt * u * bc.at(b, 0, 0, n);
        state.set(h, b, i, n);
        sum += bc.at(b, 0, 1, n) * h;
      }
      y.set(sum * (z ? silu(z.at(b, 0, i)) : 1), b, 0, i);
    }
  }
  return { y, state };
};
