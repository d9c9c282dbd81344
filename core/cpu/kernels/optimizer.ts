/** Gradient norm and AdamW over ranges of the parameter store. One block takes 16384 elements. */
import { bytes, load4, madd, nmadd, store4, sum4 } from "./lib/vector";

const BLOCK: i32 = 16384;
/** Elements whose squares are summed in f32 before they are added to the f64 sum. */
const RUN: i32 = 256;

@unmanaged
class SquaresSum {
  g: usize;
  /** [blocks]. */
  partial: usize;
  n: i32;
}

export function gradient_squares(args: SquaresSum, block: i32, _workspace: usize): void {
  const from = block * BLOCK, end = min(args.n, from + BLOCK);
  let total: f64 = 0;
  for (let run = from; run < end; run += RUN) {
    let squares = f32x4.splat(0);
    const stop = min(end, run + RUN);
    for (let i = run; i < stop; i += 4) {
      const g = load4(args.g + bytes(i), stop - i);
      squares = madd(g, g, squares);
    }
    total += <f64> sum4(squares);
  }
  store<f32>(args.partial + bytes(block), <f32> total);
}

@unmanaged
class GradientNorm {
  partial: usize;
  norm: usize;
  parts: i32;
}

export function gradient_norm(args: GradientNorm, _block: i32, _workspace: usize): void {
  let total: f64 = 0;
  for (let part = 0; part < args.parts; part++) total += <f64> load<f32>(args.partial + bytes(part));
  store<f32>(args.norm, <f32> Math.sqrt(total));
}

@unmanaged
class AdamW {
  g: usize;
  norm: usize;
  /** Rate, 1 − β1^t, 1 − β2^t, and with `scaled` the factor of the gradients (0: nothing changes). */
  schedule: usize;
  p: usize;
  m: usize;
  v: usize;
  n: i32;
  beta1: f32;
  beta2: f32;
  /** 1 − β1 and 1 − β2, rounded once. */
  rest1: f32;
  rest2: f32;
  eps: f32;
  decay: f32;
  clip: f32;
  scaled: i32;
}

export function adamw(args: AdamW, block: i32, _workspace: usize): void {
  const rate = load<f32>(args.schedule), from = block * BLOCK, end = min(args.n, from + BLOCK);
  const multiplier: f32 = args.scaled ? load<f32>(args.schedule, 12) : 1;
  if (multiplier == 0) return;
  const factor = f32x4.splat(multiplier * min<f32>(1, args.clip / (load<f32>(args.norm) + 1e-6)));
  const scale1 = f32x4.splat(rate / load<f32>(args.schedule, 4)), scale2 = f32x4.splat(1 / load<f32>(args.schedule, 8));
  const beta1 = f32x4.splat(args.beta1), beta2 = f32x4.splat(args.beta2), eps = f32x4.splat(args.eps);
  const rest1 = f32x4.splat(args.rest1), rest2 = f32x4.splat(args.rest2), shrink = f32x4.splat(rate * args.decay);
  for (let i = from; i < end; i += 4) {
    const at = bytes(i), left = end - i, g = f32x4.mul(load4(args.g + at, left), factor);
    const m = madd(beta1, load4(args.m + at, left), f32x4.mul(rest1, g));
    const v = madd(beta2, load4(args.v + at, left), f32x4.mul(rest2, f32x4.mul(g, g)));
    store4(args.m + at, m, left);
    store4(args.v + at, v, left);
    const p = load4(args.p + at, left), root = f32x4.sqrt(f32x4.mul(v, scale2));
    const step = f32x4.div(f32x4.mul(m, scale1), f32x4.add(root, eps));
    store4(args.p + at, f32x4.sub(nmadd(shrink, p, p), step), left);
  }
}
