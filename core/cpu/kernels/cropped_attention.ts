/**
 * The documented study's local attention (core/ops/cropped_attention.ts): queries see keys of their own future. Plain scalar
 * loops, because only the leak experiment and its checks use it.
 */
import { exp } from "./lib/activations";
import { bytes } from "./lib/vector";

/** Text key s counts as position s - crop. Keys before the crop are gone, and every query sees every meta key. */
@inline
function visible(t: i32, s: i32, window: i32, meta: i32, crop: i32): bool {
  const behind = t + crop - s;
  return s < meta || (s >= meta + crop && behind >= 0 && behind < window);
}

function dot(a: usize, b: usize, n: i32): f32 {
  let sum: f32 = 0;
  for (let i = 0; i < n; i++) sum += load<f32>(a + bytes(i)) * load<f32>(b + bytes(i));
  return sum;
}

/** to += factor * x */
function add(to: usize, x: usize, factor: f32, n: i32): void {
  for (let i = 0; i < n; i++) store<f32>(to + bytes(i), load<f32>(to + bytes(i)) + factor * load<f32>(x + bytes(i)));
}

function clear(to: usize, n: i32): void {
  for (let i = 0; i < n; i++) store<f32>(to + bytes(i), 0);
}

function scalarExp(x: f32): f32 {
  return f32x4.extract_lane(exp(f32x4.splat(x)), 0);
}

@unmanaged
class Forward {
  /** [B, T, H, K], [B, T, G, K], [B, T, G, Kv], [B, T, H, Kv], [B, T, H]. */
  q: usize;
  k: usize;
  v: usize;
  o: usize;
  lse: usize;
  strideQ: i32;
  strideK: i32;
  strideV: i32;
  strideO: i32;
  T: i32;
  H: i32;
  G: i32;
  K: i32;
  Kv: i32;
  window: i32;
  meta: i32;
  crop: i32;
}

/** One block is one batch row and head. */
export function cropped_attention_forward(args: Forward, block: i32, _workspace: usize): void {
  const T = args.T, H = args.H, K = args.K, Kv = args.Kv, b = block / H, h = block % H, g = h / (H / args.G);
  const scale: f32 = 1 / sqrt<f32>(<f32> K);
  for (let t = 0; t < T; t++) {
    const row = b * T + t, q = args.q + bytes(row * args.strideQ + h * K), o = args.o + bytes(row * args.strideO + h * Kv);
    let highest: f32 = -Infinity;
    for (let s = 0; s < T; s++) {
      if (!visible(t, s, args.window, args.meta, args.crop)) continue;
      highest = max(highest, dot(q, args.k + bytes((b * T + s) * args.strideK + g * K), K) * scale);
    }
    let sum: f32 = 0;
    clear(o, Kv);
    for (let s = 0; s < T; s++) {
      if (!visible(t, s, args.window, args.meta, args.crop)) continue;
      const key = b * T + s, p = scalarExp(dot(q, args.k + bytes(key * args.strideK + g * K), K) * scale - highest);
      sum += p;
      add(o, args.v + bytes(key * args.strideV + g * Kv), p, Kv);
    }
    for (let i = 0; i < Kv; i++) store<f32>(o + bytes(i), load<f32>(o + bytes(i)) / sum);
    store<f32>(args.lse + bytes(row * H + h), highest + <f32> Math.log(<f64> sum));
  }
}

@unmanaged
class Backward {
  q: usize;
  k: usize;
  v: usize;
  o: usize;
  lse: usize;
  dO: usize;
  dq: usize;
  dk: usize;
  dv: usize;
  strideQ: i32;
  strideK: i32;
  strideV: i32;
  strideO: i32;
  strideDo: i32;
  strideDq: i32;
  strideDk: i32;
  strideDv: i32;
  T: i32;
  H: i32;
  G: i32;
  K: i32;
  Kv: i32;
  window: i32;
  meta: i32;
  crop: i32;
  accumulate: i32;
}

/** One query row of one head: its part of dq, dk and dv. */
function backwardRow(args: Backward, b: i32, h: i32, t: i32): void {
  const T = args.T, K = args.K, Kv = args.Kv, g = h / (args.H / args.G), row = b * T + t;
  const scale: f32 = 1 / sqrt<f32>(<f32> K), lse = load<f32>(args.lse + bytes(row * args.H + h));
  const q = args.q + bytes(row * args.strideQ + h * K), dq = args.dq + bytes(row * args.strideDq + h * K);
  const dO = args.dO + bytes(row * args.strideDo + h * Kv);
  const delta = dot(dO, args.o + bytes(row * args.strideO + h * Kv), Kv);
  clear(dq, K);
  for (let s = 0; s < T; s++) {
    if (!visible(t, s, args.window, args.meta, args.crop)) continue;
    const key = b * T + s, k = args.k + bytes(key * args.strideK + g * K), v = args.v + bytes(key * args.strideV + g * Kv);
    const p = scalarExp(dot(q, k, K) * scale - lse), ds = p * (dot(dO, v, Kv) - delta) * scale;
    add(dq, k, ds, K);
    add(args.dk + bytes(key * args.strideDk + g * K), q, ds, K);
    add(args.dv + bytes(key * args.strideDv + g * Kv), dO, p, Kv);
  }
}

/** One block is one batch row and key head, with all query heads that share it. */
export function cropped_attention_backward(args: Backward, block: i32, _workspace: usize): void {
  const T = args.T, G = args.G, b = block / G, g = block % G, heads = args.H / G;
  if (!args.accumulate) {
    for (let s = b * T; s < (b + 1) * T; s++) {
      clear(args.dk + bytes(s * args.strideDk + g * args.K), args.K);
      clear(args.dv + bytes(s * args.strideDv + g * args.Kv), args.Kv);
    }
  }
  for (let h = g * heads; h < (g + 1) * heads; h++) {
    for (let t = 0; t < T; t++) backwardRow(args, b, h, t);
  }
}
