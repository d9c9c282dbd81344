/** RMSNorm over rows of D with an optional residual sum in front. One block takes `rows` rows. */
import { bytes, load4, madd, store4, sum4 } from "./lib/vector";

@unmanaged
class RmsnormForward {
  x: usize;
  /** [R, D] or 0. */
  delta: usize;
  w: usize;
  /** x + delta, [R, D] or 0. */
  sum: usize;
  y: usize;
  /** Reciprocal root mean squares [R]. */
  r: usize;
  strideX: i32;
  strideDelta: i32;
  strideSum: i32;
  strideY: i32;
  R: i32;
  D: i32;
  rows: i32;
  eps: f32;
}

export function rmsnorm_forward(args: RmsnormForward, block: i32, _workspace: usize): void {
  const D = args.D, end = min(args.R, (block + 1) * args.rows);
  for (let row = block * args.rows; row < end; row++) {
    let x = args.x + bytes(row * args.strideX);
    const y = args.y + bytes(row * args.strideY);
    let squares = f32x4.splat(0);
    if (args.delta) {
      const delta = args.delta + bytes(row * args.strideDelta), sum = args.sum + bytes(row * args.strideSum);
      for (let d = 0; d < D; d += 4) {
        const at = bytes(d), left = D - d, s = f32x4.add(load4(x + at, left), load4(delta + at, left));
        store4(sum + at, s, left);
        squares = madd(s, s, squares);
      }
      x = sum;
    } else {
      for (let d = 0; d < D; d += 4) {
        const s = load4(x + bytes(d), D - d);
        squares = madd(s, s, squares);
      }
    }
    const r = <f32> (1 / Math.sqrt(<f64> sum4(squares) / <f64> D + <f64> args.eps)), scale = f32x4.splat(r);
    store<f32>(args.r + bytes(row), r);
    for (let d = 0; d < D; d += 4) {
      const at = bytes(d), left = D - d;
      store4(y + at, f32x4.mul(f32x4.mul(load4(x + at, left), scale), load4(args.w + at, left)), left);
    }
  }
}

@unmanaged
class RmsnormBackward {
  dy: usize;
  x: usize;
  w: usize;
  r: usize;
  /** [R, D] or 0: added to dx. */
  dsum: usize;
  /** [R, D] or 0. */
  dx: usize;
  /** Parts of dw [blocks, D]. */
  partial: usize;
  strideDy: i32;
  strideX: i32;
  strideDsum: i32;
  strideDx: i32;
  R: i32;
  D: i32;
  rows: i32;
}

export function rmsnorm_backward(args: RmsnormBackward, block: i32, _workspace: usize): void {
  const D = args.D, end = min(args.R, (block + 1) * args.rows), w = args.w;
  const partial = args.partial + bytes(block * D);
  memory.fill(partial, 0, bytes(D));
  for (let row = block * args.rows; row < end; row++) {
    const x = args.x + bytes(row * args.strideX), dy = args.dy + bytes(row * args.strideDy);
    const r = load<f32>(args.r + bytes(row)), scale = f32x4.splat(r);
    let dots = f32x4.splat(0);
    for (let d = 0; d < D; d += 4) {
      const at = bytes(d), left = D - d, dyx = f32x4.mul(load4(dy + at, left), f32x4.mul(load4(x + at, left), scale));
      dots = madd(dyx, load4(w + at, left), dots);
      store4(partial + at, f32x4.add(load4(partial + at, left), dyx), left);
    }
    if (!args.dx) continue;
    const dx = args.dx + bytes(row * args.strideDx), dsum = args.dsum + bytes(row * args.strideDsum);
    const mean = f32x4.splat(-sum4(dots) / <f32> D);
    for (let d = 0; d < D; d += 4) {
      const at = bytes(d), left = D - d, normed = f32x4.mul(load4(x + at, left), scale);
      const inner = madd(normed, mean, f32x4.mul(load4(dy + at, left), load4(w + at, left)));
      const beside = args.dsum ? load4(dsum + at, left) : f32x4.splat(0);
      store4(dx + at, madd(inner, scale, beside), left);
    }
  }
}
