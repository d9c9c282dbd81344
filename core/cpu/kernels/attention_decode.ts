/**
 * Attention of one query position over the filled slots of a cache, and writing a position into the cache. Local caches keep the meta
 * prefix and after it a ring of `window` slots.
 */
import { exp } from "./lib/activations";
import { bytes, copy, load4, madd, max4, store4, sum4, sumEach } from "./lib/vector";

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

/** The score of one slot before its scale. */
function score(q: usize, key: usize, K: i32): f32 {
  let sum = f32x4.splat(0);
  for (let i = 0; i < K; i += 4) sum = madd(load4(q + bytes(i), K - i), load4(key + bytes(i), K - i), sum);
  return sum4(sum);
}

/** Stores the scores of all filled slots, four at a time, and returns the highest. */
function scores(q: usize, keys: usize, row: usize, filled: i32, K: i32, to: usize): f32 {
  const scale = <f32> (1 / Math.sqrt(<f64> K)), all = f32x4.splat(scale), whole = K & ~3, left = K & 3;
  let highest = f32x4.splat(-1e30), s = 0;
  for (; s + 4 <= filled; s += 4) {
    const key = keys + <usize> s * row, zero = f32x4.splat(0);
    let a = zero, b = zero, c = zero, d = zero;
    for (let i = 0; i < whole; i += 4) {
      const at = bytes(i), x = v128.load(q + at), k0 = key + at, k1 = k0 + row, k2 = k1 + row;
      a = madd(x, v128.load(k0), a), b = madd(x, v128.load(k1), b);
      c = madd(x, v128.load(k2), c), d = madd(x, v128.load(k2 + row), d);
    }
    if (left) {
      const at = bytes(whole), x = load4(q + at, left), k0 = key + at, k1 = k0 + row, k2 = k1 + row;
      a = madd(x, load4(k0, left), a), b = madd(x, load4(k1, left), b);
      c = madd(x, load4(k2, left), c), d = madd(x, load4(k2 + row, left), d);
    }
    const four = f32x4.mul(sumEach(a, b, c, d), all);
    highest = f32x4.pmax(highest, four);
    v128.store(to + bytes(s), four);
  }
  let most = max4(highest);
  for (; s < filled; s++) {
    const last = score(q, keys + <usize> s * row, K) * scale;
    most = max<f32>(most, last);
    store<f32>(to + bytes(s), last);
  }
  return most;
}

/** Turns scores into weights e^(score − highest) and returns their sum. */
function weigh(at: usize, filled: i32, highest: f32): f32 {
  const shift = f32x4.splat(highest);
  let total: f32 = 0;
  for (let s = 0; s < filled; s += 4) {
    const left = filled - s, own = at + bytes(s), p = exp(f32x4.sub(load4(own, left), shift));
    store4(own, p, left);
    total += f32x4.extract_lane(p, 0);
    if (left > 1) total += f32x4.extract_lane(p, 1);
    if (left > 2) total += f32x4.extract_lane(p, 2);
    if (left > 3) total += f32x4.extract_lane(p, 3);
  }
  return total;
}

/** Sixteen columns of the weighted sum of values, times `norm`. */
function mixSixteen(weights: usize, value: usize, row: usize, filled: i32, norm: v128, o: usize): void {
  let a = f32x4.splat(0), b = a, c = a, d = a;
  for (let s = 0; s < filled; s++, value += row) {
    const p = v128.load32_splat(weights + bytes(s));
    a = madd(p, v128.load(value), a), b = madd(p, v128.load(value, 16), b);
    c = madd(p, v128.load(value, 32), c), d = madd(p, v128.load(value, 48), d);
  }
  v128.store(o, f32x4.mul(a, norm)), v128.store(o, f32x4.mul(b, norm), 16);
  v128.store(o, f32x4.mul(c, norm), 32), v128.store(o, f32x4.mul(d, norm), 48);
}

/** One block takes one head of one sequence. Workspace: S scores. */
export function attention_decode(args: AttentionDecode, block: i32, workspace: usize): void {
  const b = block / args.H, h = block % args.H, g = h / (args.H / args.G), K = args.K, Kv = args.Kv;
  const position = load<i32>(args.position + bytes(b)), all = position + 1;
  const filled = min(args.S, args.window === 0 ? all : min(all, args.meta + args.window));
  const q = args.q + bytes(b * args.strideQ + h * K), rowK = args.G * K, rowV = args.G * Kv, row = bytes(rowV);
  const k = args.kCache + bytes(b * args.S * rowK + g * K), v = args.vCache + bytes(b * args.S * rowV + g * Kv);
  const highest = scores(q, k, bytes(rowK), filled, K, workspace), total = weigh(workspace, filled, highest);
  const o = args.o + bytes(b * args.strideO + h * Kv), norm = f32x4.splat(1 / total);
  let c = 0;
  for (; c + 16 <= Kv; c += 16) mixSixteen(workspace, v + bytes(c), row, filled, norm, o + bytes(c));
  for (; c < Kv; c += 4) {
    const left = Kv - c;
    let sum = f32x4.splat(0), value = v + bytes(c);
    for (let s = 0; s < filled; s++, value += row) {
      sum = madd(v128.load32_splat(workspace + bytes(s)), load4(value, left), sum);
    }
    store4(o + bytes(c), f32x4.mul(sum, norm), left);
  }
}
