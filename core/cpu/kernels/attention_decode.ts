/**
 * Attention of one query position over the filled slots of a cache, and writing a position into the cache. Local caches keep the meta
 * prefix and after it a ring of `window` slots.
 */
import { exp } from "./lib/activations";
import { bytes, clear, copy, load4, madd, store4, sum4 } from "./lib/vector";

@unmanaged
class CacheAppend {
  /** [B, G · K], [B, G · Kv]. */
  k: usize;
  v: usize;
  /** [B] u32. */
  position: usize;
  /** [B, S, G, K], [B, S, G, Kv]. */
  kCache: usize;
  vCache: usize;
  strideK: i32;
  strideV: i32;
  S: i32;
  G: i32;
  K: i32;
  Kv: i32;
  /** 0: global. */
  window: i32;
  meta: i32;
}

/** One block takes one sequence. */
export function cache_append(args: CacheAppend, b: i32, _workspace: usize): void {
  const position = load<i32>(args.position + bytes(b)), meta = args.meta, window = args.window;
  const slot = window === 0 || position < meta ? position : meta + (position - meta) % window;
  if (slot >= args.S) unreachable();
  const K = args.G * args.K, Kv = args.G * args.Kv, row = b * args.S + slot;
  copy(args.kCache + bytes(row * K), args.k + bytes(b * args.strideK), K);
  copy(args.vCache + bytes(row * Kv), args.v + bytes(b * args.strideV), Kv);
}

@unmanaged
class AttentionDecode {
  q: usize;
  kCache: usize;
  vCache: usize;
  position: usize;
  o: usize;
  strideQ: i32;
  strideO: i32;
  S: i32;
  H: i32;
  G: i32;
  K: i32;
  Kv: i32;
  window: i32;
  meta: i32;
}

/** One block takes one head of one sequence. Workspace: S scores. */
export function attention_decode(args: AttentionDecode, block: i32, workspace: usize): void {
  const b = block / args.H, h = block % args.H, g = h / (args.H / args.G), K = args.K, Kv = args.Kv;
  const position = load<i32>(args.position + bytes(b)), all = position + 1;
  const filled = min(args.S, args.window === 0 ? all : min(all, args.meta + args.window));
  const q = args.q + bytes(b * args.strideQ + h * K), rowK = args.G * K, rowV = args.G * Kv;
  const k = args.kCache + bytes(b * args.S * rowK + g * K), v = args.vCache + bytes(b * args.S * rowV + g * Kv);
  const scale = <f32> (1 / Math.sqrt(<f64> K));
  let highest: f32 = -1e30;
  for (let s = 0; s < filled; s++) {
    let sum = f32x4.splat(0);
    const key = k + bytes(s * rowK);
    for (let i = 0; i < K; i += 4) sum = madd(load4(q + bytes(i), K - i), load4(key + bytes(i), K - i), sum);
    const score = sum4(sum) * scale;
    highest = max<f32>(highest, score);
    store<f32>(workspace + bytes(s), score);
  }
  const o = args.o + bytes(b * args.strideO + h * Kv);
  clear(o, Kv);
  let total: f32 = 0;
  for (let s = 0; s < filled; s++) {
    const p = exp(f32x4.splat(load<f32>(workspace + bytes(s)) - highest)), value = v + bytes(s * rowV);
    total += f32x4.extract_lane(p, 0);
    for (let c = 0; c < Kv; c += 4) {
      const at = bytes(c), left = Kv - c;
      store4(o + at, madd(p, load4(value + at, left), load4(o + at, left)), left);
    }
  }
  const norm = f32x4.splat(1 / total);
  for (let c = 0; c < Kv; c += 4) {
    const at = bytes(c), left = Kv - c;
    store4(o + at, f32x4.mul(load4(o + at, left), norm), left);
  }
}
