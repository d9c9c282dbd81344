/**
 * pre[t] = bias + Σ_j w[:, j] · x[t − (J − 1) + j], y = pre · σ(pre). One block takes one sequence and `CHANNELS` channels, four at a
 * time over all positions; the taps of four channels lie transposed in the workspace.
 */
import { sigmoid, siluSlope } from "./lib/activations";
import { bytes, load4, madd, store4 } from "./lib/vector";

const CHANNELS: i32 = 32;

/** w of four channels as [J] vectors. */
function loadTaps(w: usize, i: i32, left: i32, J: i32, to: usize): void {
  for (let j = 0; j < J; j++) {
    for (let lane = 0; lane < 4; lane++) {
      store<f32>(to + bytes(4 * j + lane), lane < left ? load<f32>(w + bytes((i + lane) * J + j)) : 0);
    }
  }
}

/** The filter's output at t before SiLU. `x` is the column of the sequence's first position. */
@inline
function filtered(x: usize, row: usize, taps: usize, bias: v128, t: i32, J: i32, left: i32): v128 {
  let sum = bias;
  for (let j = max(0, J - 1 - t); j < J; j++) {
    sum = madd(v128.load(taps + bytes(4 * j)), load4(x + row * <usize> (t - (J - 1) + j), left), sum);
  }
  return sum;
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

/** Workspace: 4 J. */
export function causal_conv_forward(args: CausalConvForward, block: i32, workspace: usize): void {
  const I = args.I, T = args.T, J = args.J, across = (I + CHANNELS - 1) / CHANNELS, b = block / across;
  const first = (block % across) * CHANNELS, end = min(I, first + CHANNELS);
  const rowX = bytes(args.strideX), rowY = bytes(args.strideY);
  for (let i = first; i < end; i += 4) {
    const left = I - i, x = args.x + bytes(b * T * args.strideX + i);
    let y = args.y + bytes(b * T * args.strideY + i);
    loadTaps(args.w, i, left, J, workspace);
    const bias = args.bias ? load4(args.bias + bytes(i), left) : f32x4.splat(0);
    for (let t = 0; t < T; t++, y += rowY) {
      const pre = filtered(x, rowX, workspace, bias, t, J, left);
      store4(y, f32x4.mul(pre, sigmoid(pre)), left);
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
  /** Parts of dw [B, I, J]. */
  partialW: usize;
  /** Parts of dbias [B, I] or 0. */
  partialBias: usize;
  strideDy: i32;
  strideX: i32;
  strideDx: i32;
  T: i32;
  I: i32;
  J: i32;
}

/** Workspace: 4 J taps, then d pre [T] vectors. */
export function causal_conv_backward(args: CausalConvBackward, block: i32, workspace: usize): void {
  const I = args.I, T = args.T, J = args.J, across = (I + CHANNELS - 1) / CHANNELS, b = block / across;
  const first = (block % across) * CHANNELS, end = min(I, first + CHANNELS);
  const rowX = bytes(args.strideX), taps = workspace, dpre = workspace + bytes(4 * J);
  for (let i = first; i < end; i += 4) {
    const left = I - i, x = args.x + bytes(b * T * args.strideX + i);
    const dy = args.dy + bytes(b * T * args.strideDy + i), dx = args.dx + bytes(b * T * args.strideDx + i);
    loadTaps(args.w, i, left, J, taps);
    const bias = args.bias ? load4(args.bias + bytes(i), left) : f32x4.splat(0);
    let dbias = f32x4.splat(0);
    for (let t = 0; t < T; t++) {
      const pre = filtered(x, rowX, taps, bias, t, J, left);
      const d = f32x4.mul(load4(dy + bytes(t * args.strideDy), left), siluSlope(pre, sigmoid(pre)));
      v128.store(dpre + bytes(4 * t), d);
      dbias = f32x4.add(dbias, d);
    }
    if (args.partialBias) store4(args.partialBias + bytes(b * I + i), dbias, left);
    for (let s = 0; s < T; s++) {
      let sum = f32x4.splat(0);
      for (let j = max(0, J - (T - s)); j < J; j++) {
        sum = madd(v128.load(taps + bytes(4 * j)), v128.load(dpre + bytes(4 * (s + J - 1 - j))), sum);
      }
      store4(dx + bytes(s * args.strideDx), sum, left);
    }
    for (let j = 0; j < J; j++) {
      const shift = J - 1 - j;
      let sum = f32x4.splat(0);
      for (let t = shift; t < T; t++) {
        sum = madd(v128.load(dpre + bytes(4 * t)), load4(x + rowX * <usize> (t - shift), left), sum);
      }
      const to = args.partialW + bytes((b * I + i) * J + j);
      store<f32>(to, f32x4.extract_lane(sum, 0));
      if (left > 1) store<f32>(to + bytes(J), f32x4.extract_lane(sum, 1));
      if (left > 2) store<f32>(to + bytes(2 * J), f32x4.extract_lane(sum, 2));
      if (left > 3) store<f32>(to + bytes(3 * J), f32x4.extract_lane(sum, 3));
    }
  }
}
