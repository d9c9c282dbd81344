/**
 * pre[t] = bias + Σ_j w[:, j] · x[t − (J − 1) + j], y = pre · σ(pre). One block takes one sequence and `CHANNELS` channels, four at a
 * time. Their columns are copied into the workspace. Then four taps at a time, kept in registers, pass over all positions.
 *
 * Taps are padded at the front to P, a multiple of 4, with zeros. Tap p reads P − 1 − p positions back.
 */
import { sigmoid, siluSlope } from "./lib/activations";
import { bytes, clear, load4, madd, store4 } from "./lib/vector";

export const CHANNELS: i32 = 32;

/** Bytes of n vectors. */
@inline
export function vectors(n: i32): usize {
  return <usize> n << 4;
}

@inline
export function padded(J: i32): i32 {
  return (J + 3) & ~3;
}

/** w of four channels as [P] vectors. */
export function loadTaps(w: usize, left: i32, J: i32, to: usize): void {
  const P = padded(J);
  clear(to, 4 * P);
  for (let j = 0; j < J; j++) {
    const tap = to + vectors(P - J + j);
    for (let lane = 0; lane < min(4, left); lane++) store<f32>(tap + bytes(lane), load<f32>(w + bytes(lane * J + j)));
  }
}

/** Four channels of T rows as [T] vectors. */
export function loadColumn(from: usize, stride: i32, left: i32, T: i32, to: usize): void {
  for (let t = 0; t < T; t++) v128.store(to + vectors(t), load4(from + bytes(t * stride), left));
}

function storeColumn(from: usize, left: i32, T: i32, to: usize, stride: i32): void {
  for (let t = 0; t < T; t++) store4(to + bytes(t * stride), v128.load(from + vectors(t)), left);
}

/** The filter's output before SiLU, [T] vectors. */
export function filter(x: usize, taps: usize, bias: v128, T: i32, P: i32, pre: usize): void {
  for (let t = 0; t < T; t++) v128.store(pre + vectors(t), bias);
  for (let p = 0; p < P; p += 4) {
    const tap = taps + vectors(p), last = vectors(P - 4 - p);
    const w0 = v128.load(tap), w1 = v128.load(tap, 16), w2 = v128.load(tap, 32), w3 = v128.load(tap, 48);
    let x1 = f32x4.splat(0), x2 = x1, x3 = x1;
    for (let at: usize = last; at < vectors(T); at += 16) {
      const x0 = v128.load(x + at - last), to = pre + at;
      v128.store(to, madd(w3, x0, madd(w2, x1, madd(w1, x2, madd(w0, x3, v128.load(to))))));
      x3 = x2, x2 = x1, x1 = x0;
    }
  }
}

@unmanaged
class CausalConvForward {
  x: usize;
  w: usize;
  /** [I] or 0. */
  bias: usize;
  y: usize;
  strideX: i32;
  strideY: i32;
  T: i32;
  I: i32;
  J: i32;
}

/** Workspace, in vectors: P taps, x [T], pre [T]. */
export function causal_conv_forward(args: CausalConvForward, block: i32, workspace: usize): void {
  const I = args.I, T = args.T, J = args.J, P = padded(J), across = (I + CHANNELS - 1) / CHANNELS, b = block / across;
  const first = (block % across) * CHANNELS, end = min(I, first + CHANNELS);
  const x = workspace + vectors(P), pre = x + vectors(T);
  for (let i = first; i < end; i += 4) {
    const left = I - i;
    loadTaps(args.w + bytes(i * J), left, J, workspace);
    loadColumn(args.x + bytes(b * T * args.strideX + i), args.strideX, left, T, x);
    filter(x, workspace, args.bias ? load4(args.bias + bytes(i), left) : f32x4.splat(0), T, P, pre);
    let y = args.y + bytes(b * T * args.strideY + i);
    for (let t = 0; t < T; t++, y += bytes(args.strideY)) {
      const sum = v128.load(pre + vectors(t));
      store4(y, f32x4.mul(sum, sigmoid(sum)), left);
    }
  }
}

@unmanaged
class CausalConvBackward {
  dy: usize;
  x: usize;
  w: usize;
  /** [I] or 0. */
  bias: usize;
  dx: usize;
  /** Partial sums of dw, [B, I, J]. */
  partialW: usize;
  /** Partial sums of dbias, [B, I], or 0. */
  partialBias: usize;
  strideDy: i32;
  strideX: i32;
  strideDx: i32;
  T: i32;
  I: i32;
  J: i32;
}

/** The gradient of `filter`: dx [T] from d pre [T + P], which is zero after T. The gradients of the taps replace the taps. */
function unfilter(x: usize, dpre: usize, taps: usize, T: i32, P: i32, dx: usize): void {
  clear(dx, 4 * T);
  for (let p = 0; p < P; p += 4) {
    const tap = taps + vectors(p);
    const w0 = v128.load(tap), w1 = v128.load(tap, 16), w2 = v128.load(tap, 32), w3 = v128.load(tap, 48);
    let sum0 = f32x4.splat(0), sum1 = sum0, sum2 = sum0, sum3 = sum0;
    let from = dpre + vectors(P - 4 - p);
    let d0 = v128.load(from), d1 = v128.load(from, 16), d2 = v128.load(from, 32);
    from += 48;
    for (let at: usize = 0; at < vectors(T); at += 16) {
      const d3 = v128.load(from + at), xs = v128.load(x + at), to = dx + at;
      sum0 = madd(d3, xs, sum0), sum1 = madd(d2, xs, sum1), sum2 = madd(d1, xs, sum2), sum3 = madd(d0, xs, sum3);
      v128.store(to, madd(w3, d0, madd(w2, d1, madd(w1, d2, madd(w0, d3, v128.load(to))))));
      d0 = d1, d1 = d2, d2 = d3;
    }
    v128.store(tap, sum0), v128.store(tap, sum1, 16), v128.store(tap, sum2, 32), v128.store(tap, sum3, 48);
  }
}

/** Workspace, in vectors: P taps, x [T], d pre [T + P], dx [T]. */
export function causal_conv_backward(args: CausalConvBackward, block: i32, workspace: usize): void {
  const I = args.I, T = args.T, J = args.J, P = padded(J), across = (I + CHANNELS - 1) / CHANNELS, b = block / across;
  const first = (block % across) * CHANNELS, end = min(I, first + CHANNELS);
  const x = workspace + vectors(P), dpre = x + vectors(T), dx = dpre + vectors(T + P);
  for (let i = first; i < end; i += 4) {
    const left = I - i;
    loadTaps(args.w + bytes(i * J), left, J, workspace);
    loadColumn(args.x + bytes(b * T * args.strideX + i), args.strideX, left, T, x);
    loadColumn(args.dy + bytes(b * T * args.strideDy + i), args.strideDy, left, T, dx);
    filter(x, workspace, args.bias ? load4(args.bias + bytes(i), left) : f32x4.splat(0), T, P, dpre);
    let dbias = f32x4.splat(0);
    for (let at: usize = 0; at < vectors(T); at += 16) {
      const pre = v128.load(dpre + at), d = f32x4.mul(v128.load(dx + at), siluSlope(pre, sigmoid(pre)));
      v128.store(dpre + at, d);
      dbias = f32x4.add(dbias, d);
    }
    clear(dpre + vectors(T), 4 * P);
    if (args.partialBias) store4(args.partialBias + bytes(b * I + i), dbias, left);
    unfilter(x, dpre, workspace, T, P, dx);
    storeColumn(dx, left, T, args.dx + bytes(b * T * args.strideDx + i), args.strideDx);
    for (let j = 0; j < J; j++) {
      const tap = workspace + vectors(P - J + j);
      for (let lane = 0; lane < min(4, left); lane++) {
        store<f32>(args.partialW + bytes((b * I + i + lane) * J + j), load<f32>(tap + bytes(lane)));
      }
    }
  }
}
