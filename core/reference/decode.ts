/** The ops of generation in float64: one position, B sequences, caches and states returned as they are after it. */
import { silu, softplus } from "./activations.ts";
import { type Arrays, need, type Reference, type Sizes } from "./types.ts";

const positionOf = (reads: Arrays) => need(reads, "position")[0]!;

/** Meta positions keep their slots; with a window, W slots behind them are used in turn. */
function slotOf(position: number, { window, meta }: Sizes): number {
  return window === 0 || position < meta! ? position : meta! + (position - meta!) % window!;
}

/** Reads token [B], position [1], table [V, D] and meta [M, D] or nothing; makes x [B, 1, D]. */
export const embedStep: Reference = (reads, { B, M, D }) => {
  const token = need(reads, "token"), position = positionOf(reads), x = new Float64Array(B! * D!);
  for (let b = 0; b < B!; b++) {
    const from = need(reads, position < M! ? "meta" : "table"), row = position < M! ? position : token[b]!;
    x.set(from.subarray(row * D!, (row + 1) * D!), b * D!);
  }
  return { x };
};

/** Reads k [B, 1, G, K], v [B, 1, G, Kv], position [1] and both caches; makes kCache [B, S, G, K] and vCache [B, S, G, Kv]. */
export const cacheAppend: Reference = (reads, sizes) => {
  const { B, S, G, K, Kv } = sizes, slot = slotOf(positionOf(reads), sizes);
  const put = (x: Float64Array, cache: Float64Array, columns: number) => {
    const changed = cache.slice();
    for (let b = 0; b < B!; b++) changed.set(x.subarray(b * columns, (b + 1) * columns), (b * S! + slot) * columns);
    return changed;
  };
  return {
    kCache: put(need(reads, "k"), need(reads, "kCache"), G! * K!),
    vCache: put(need(reads, "v"), need(reads, "vCache"), G! * Kv!),
  };
};

/** Slots that hold a position the query sees: all that were filled. */
function filledSlots(reads: Arrays, { window, meta }: Sizes): number {
  const positions = positionOf(reads) + 1;
  return window === 0 ? positions : Math.min(positions, meta! + window!);
}

/** Reads q [B, 1, H, K], kCache [B, S, G, K], vCache [B, S, G, Kv] and position [1]; makes o [B, 1, H, Kv]. */
export const attentionDecode: Reference = (reads, sizes) => {
  const [B, S, H, G] = [sizes.B!, sizes.S!, sizes.H!, sizes.G!], K = sizes.K!, Kv = sizes.Kv!;
  const q = need(reads, "q"), kCache = need(reads, "kCache"), vCache = need(reads, "vCache");
  const slots = filledSlots(reads, sizes), o = new Float64Array(B * H * Kv);
  for (let row = 0; row < B * H; row++) {
    const b = Math.floor(row / H), g = Math.floor((row % H) / (H / G));
    const scores = Float64Array.from({ length: slots }, (_, slot) => {
      let dot = 0;
      for (let i = 0; i < K; i++) dot += q[row * K + i]! * kCache[((b * S + slot) * G + g) * K + i]!;
      return dot / Math.sqrt(K);
    });
    const highest = Math.max(...scores), weights = scores.map((score) => Math.exp(score - highest));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (const [slot, weight] of weights.entries()) {
      for (let c = 0; c < Kv; c++) {
        o[row * Kv + c]! += weight / total * vCache[((b * S + slot) * G + g) * Kv + c]!;
      }
    }
  }
  return { o };
};

/** Reads x [B, 1, I], w [I, J], state [B, J − 1, I] and bias [I] or nothing; makes y [B, 1, I] and the state moved on. */
export const convStep: Reference = (reads, { B, I, J }) => {
  const x = need(reads, "x"), w = need(reads, "w"), before = need(reads, "state"), kept = J! - 1;
  const y = new Float64Array(B! * I!), state = new Float64Array(before.length);
  for (let b = 0; b < B!; b++) {
    for (let i = 0; i < I!; i++) {
      const inputAt = (j: number) => j < kept ? before[(b * kept + j) * I! + i]! : x[b * I! + i]!;
      let sum = reads.bias?.[i] ?? 0;
      for (let j = 0; j < J!; j++) sum += w[i * J! + j]! * inputAt(j);
      for (let j = 0; j < kept; j++) state[(b * kept + j) * I! + i] = inputAt(j + 1);
      y[b * I! + i] = silu(sum);
    }
  }
  return { y, state };
};

/**
 * Reads udt [B, 1, 2, I], bc [B, 1, 2, N], aLog [I, N], state [B, I, N], z [B, 1, I], skip and dtBias [I] or nothing;
 * makes y [B, 1, I] and the next state.
 */
export const scanStep: Reference = (reads, { B, I, N, softplus: smooth }) => {
  const udt = need(reads, "udt"), bc = need(reads, "bc"), aLog = need(reads, "aLog");
  const state = need(reads, "state").slice(), y = new Float64Array(B! * I!);
  for (let b = 0; b < B!; b++) {
    for (let i = 0; i < I!; i++) {
      const u = udt[b * 2 * I! + i]!, raw = udt[(b * 2 + 1) * I! + i]! + (reads.dtBias?.[i] ?? 0);
      const dt = smooth ? softplus(raw) : raw;
      let sum = (reads.skip?.[i] ?? 0) * u;
      for (let n = 0; n < N!; n++) {
        const at = (b * I! + i) * N! + n, decay = Math.exp(-dt * Math.exp(aLog[i * N! + n]!));
        state[at] = decay * state[at]! + dt * u * bc[b * 2 * N! + n]!;
        sum += bc[(b * 2 + 1) * N! + n]! * state[at]!;
      }
      y[b * I! + i] = sum * (reads.z ? silu(reads.z[b * I! + i]!) : 1);
    }
  }
  return { y, state };
};
