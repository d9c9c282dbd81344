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
  const D = args.D, end = min(args.R, (block + 1) * args.rows), whole = bytes(D & ~3), left = D & 3, w = args.w;
  for (let row = block * args.rows; row < end; row++) {
    let x = args.x + bytes(row * args.strideX);
    const y = args.y + bytes(row * args.strideY);
    let squares = f32x4.splat(0);
    if (args.delta) {
      const delta = args.delta + bytes(row * args.strideDelta), sum = args.sum + bytes(row * args.strideSum);
      for (let at: usize = 0; at < whole; at += 16) {
        const s = f32x4.add(v128.load(x + at), v128.load(delta + at));
        v128.store(sum + at, s);
        squares = madd(s, s, squares);
      }
      if (left) store4(sum + whole, f32x4.add(load4(x + whole, left), load4(delta + whole, left)), left);
      x = sum;
    } else {
      for (let at: usize = 0; at < whole; at += 16) {
        const s = v128.load(x + at);
        squares = madd(s, s, squares);
      }
    }
    if (left) {
      const s = load4(x + whole, left);
      squares = madd(s, s, squares);
    }
    const r = <f32> (1 / Math.sqrt(<f64> sum4(squares) / <f64> D + <f64> args.eps)), scale = f32x4.splat(r);
    store<f32>(args.r + bytes(row), r);
    for (let at: usize = 0; at < whole; at += 16) {
      v128.store(y + at, f32x4.mul(f32x4.mul(v128.load(x + at), scale), v128.load(w + at)));
    }
    if (left) store4(y + whole, f32x4.mul(f32x4.mul(load4(x + whole, left), scale), load4(w + whole, left)), left);
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
  /** Partial sums of dw, [blocks, D]. */
  partial: usize;
  strideDy: i32;
  strideX: i32;
  strideDsum: i32;
  strideDx: i32;
  R: i32;
  D: i32;
  rows: i32;
}

/** dx before the factor 1 / rms; `mean` is −Σ dy · normed · w / D. */
@inline
function inside(dy: v128, x: v128, w: v128, scale: v128, mean: v128): v128 {
  return madd(f32x4.mul(x, scale), mean, f32x4.mul(dy, w));
}

export function rmsnorm_backward(args: RmsnormBackward, block: i32, _workspace: usize): void {
  const D = args.D, end = min(args.R, (block + 1) * args.rows), whole = bytes(D & ~3), left = D & 3, w = args.w;
  const partial = args.partial + bytes(block * D);
  memory.fill(partial, 0, bytes(D));
  for (let row = block * args.rows; row < end; row++) {
    const x = args.x + bytes(row * args.strideX), dy = args.dy + bytes(row * args.strideDy);
    const r = load<f32>(args.r + bytes(row)), scale = f32x4.splat(r);
    let dots = f32x4.splat(0);
    for (let at: usize = 0; at < whole; at += 16) {
      const dyx = f32x4.mul(v128.load(dy + at), f32x4.mul(v128.load(x + at), scale));
      dots = madd(dyx, v128.load(w + at), dots);
      v128.store(partial + at, f32x4.add(v128.load(partial + at), dyx));
    }
    if (left) {
      const dyx = f32x4.mul(load4(dy + whole, left), f32x4.mul(load4(x + whole, left), scale));
      dots = madd(dyx, load4(w + whole, left), dots);
      store4(partial + whole, f32x4.add(load4(partial + whole, left), dyx), left);
    }
    if (!args.dx) continue;
    const dx = args.dx + bytes(row * args.strideDx), mean = f32x4.splat(-sum4(dots) / <f32> D);
    const dsum = args.dsum ? args.dsum + bytes(row * args.strideDsum) : 0;
    for (let at: usize = 0; at < whole; at += 16) {
      const inner = inside(v128.load(dy + at), v128.load(x + at), v128.load(w + at), scale, mean);
      v128.store(dx + at, madd(inner, scale, dsum ? v128.load(dsum + at) : f32x4.splat(0)));
    }
    if (!left) continue;
    const inner = inside(load4(dy + whole, left), load4(x + whole, left), load4(w + whole, left), scale, mean);
    store4(dx + whole, madd(inner, scale, dsum ? load4(dsum + whole, left) : f32x4.splat(0)), left);
  }
}
