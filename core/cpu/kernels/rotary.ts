/** Rotates the pairs (i, i + K/2) of every head by sign times the angle of its position. One block takes `rows` rows. */
import { bytes, load4, madd, nmadd, store4 } from "./lib/vector";

@unmanaged
class Rotary {
  /** [B·T, H, K]. */
  x: usize;
  /** [positions, 2, K/2]: cosines, sines. */
  table: usize;
  /** [B] u32 or 0: the position of t = 0. */
  position: usize;
  y: usize;
  strideX: i32;
  strideY: i32;
  B: i32;
  T: i32;
  H: i32;
  K: i32;
  sign: i32;
  /** Rows of the table for the low parts of positions; behind them are the high parts. 0: one row a position. */
  low: i32;
  rows: i32;
}

export function rotary(args: Rotary, block: i32, _workspace: usize): void {
  const K = args.K, half = K >> 1, end = min(args.B * args.T, (block + 1) * args.rows);
  const sign = f32x4.splat(<f32> args.sign), low = args.low;
  for (let row = block * args.rows; row < end; row++) {
    const start = args.position ? load<i32>(args.position + bytes(row / args.T)) : 0, position = start + row % args.T;
    const cosines = args.table + bytes((low ? position % low : position) * K), sines = cosines + bytes(half);
    const far = low ? args.table + bytes((low + position / low) * K) : 0;
    let x = args.x + bytes(row * args.strideX), y = args.y + bytes(row * args.strideY);
    for (let h = 0; h < args.H; h++, x += bytes(K), y += bytes(K)) {
      for (let i = 0; i < half; i += 4) {
        const at = bytes(i), left = half - i;
        let cos = load4(cosines + at, left), sine = load4(sines + at, left);
        if (far) {
          const farCos = load4(far + at, left), farSine = load4(far + bytes(half) + at, left), nearCos = cos;
          cos = nmadd(sine, farSine, f32x4.mul(nearCos, farCos));
          sine = madd(nearCos, farSine, f32x4.mul(sine, farCos));
        }
        const sin = f32x4.mul(sine, sign);
        const first = load4(x + at, left), second = load4(x + bytes(half) + at, left);
        store4(y + at, nmadd(second, sin, f32x4.mul(first, cos)), left);
        store4(y + bytes(half) + at, madd(first, sin, f32x4.mul(second, cos)), left);
      }
    }
  }
}
