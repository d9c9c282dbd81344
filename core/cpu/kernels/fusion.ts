/** y = ½ (wa · rms(a) + wm · rms(m)) over rows of I. One block takes `rows` rows. */
import { bytes, clear, load4, madd, store4, sum4 } from "./lib/vector";

@unmanaged
class FusionForward {
  a: usize;
  m: usize;
  wa: usize;
  wm: usize;
  y: usize;
  /** Reciprocal root mean squares of a and m [R, 2]. */
  r: usize;
  strideA: i32;
  strideM: i32;
  strideY: i32;
  R: i32;
  I: i32;
  rows: i32;
  eps: f32;
}

function reciprocalRms(x: usize, I: i32, eps: f32): f32 {
  let squares = f32x4.splat(0);
  for (let i = 0; i < I; i += 4) {
    const value = load4(x + bytes(i), I - i);
    squares = madd(value, value, squares);
  }
  return <f32> (1 / Math.sqrt(<f64> sum4(squares) / <f64> I + <f64> eps));
}

export function fusion_forward(args: FusionForward, block: i32, _workspace: usize): void {
  const I = args.I, end = min(args.R, (block + 1) * args.rows);
  for (let row = block * args.rows; row < end; row++) {
    const a = args.a + bytes(row * args.strideA), m = args.m + bytes(row * args.strideM);
    const y = args.y + bytes(row * args.strideY),
      ra = reciprocalRms(a, I, args.eps),
      rm = reciprocalRms(m, I, args.eps);
    store<f32>(args.r + bytes(2 * row), ra);
    store<f32>(args.r + bytes(2 * row), rm, 4);
    const halfA = f32x4.splat(0.5 * ra), halfM = f32x4.splat(0.5 * rm);
    for (let i = 0; i < I; i += 4) {
      const at = bytes(i), left = I - i;
      const first = f32x4.mul(f32x4.mul(load4(a + at, left), halfA), load4(args.wa + at, left));
      store4(y + at, madd(f32x4.mul(load4(m + at, left), halfM), load4(args.wm + at, left), first), left);
    }
  }
}

@unmanaged
class FusionBackward {
  dy: usize;
  a: usize;
  m: usize;
  wa: usize;
  wm: usize;
  r: usize;
  da: usize;
  dm: usize;
  /** Partial sums of dwa, [blocks, I]. */
  partialA: usize;
  partialM: usize;
  strideDy: i32;
  strideA: i32;
  strideM: i32;
  strideDa: i32;
  strideDm: i32;
  R: i32;
  I: i32;
  rows: i32;
}

/** dx and this row's part of dw for one of the two norms. */
function backwardRow(dy: usize, x: usize, w: usize, r: f32, dx: usize, partial: usize, I: i32): void {
  const scale = f32x4.splat(r), half = f32x4.splat(0.5);
  let dots = f32x4.splat(0);
  for (let i = 0; i < I; i += 4) {
    const at = bytes(i), left = I - i;
    const dyx = f32x4.mul(f32x4.mul(load4(dy + at, left), half), f32x4.mul(load4(x + at, left), scale));
    dots = madd(dyx, load4(w + at, left), dots);
    store4(partial + at, f32x4.add(load4(partial + at, left), dyx), left);
  }
  const mean = f32x4.splat(-sum4(dots) / <f32> I);
  for (let i = 0; i < I; i += 4) {
    const at = bytes(i), left = I - i, normed = f32x4.mul(load4(x + at, left), scale);
    const weighted = f32x4.mul(f32x4.mul(load4(dy + at, left), half), load4(w + at, left));
    store4(dx + at, f32x4.mul(madd(normed, mean, weighted), scale), left);
  }
}

export function fusion_backward(args: FusionBackward, block: i32, _workspace: usize): void {
  const I = args.I, end = min(args.R, (block + 1) * args.rows);
  const partialA = args.partialA + bytes(block * I), partialM = args.partialM + bytes(block * I);
  clear(partialA, I);
  clear(partialM, I);
  for (let row = block * args.rows; row < end; row++) {
    const dy = args.dy + bytes(row * args.strideDy), r = args.r + bytes(2 * row);
    const a = args.a + bytes(row * args.strideA), m = args.m + bytes(row * args.strideM);
    backwardRow(dy, a, args.wa, load<f32>(r), args.da + bytes(row * args.strideDa), partialA, I);
    backwardRow(dy, m, args.wm, load<f32>(r, 4), args.dm + bytes(row * args.strideDm), partialM, I);
  }
}
