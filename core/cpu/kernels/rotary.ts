/** Rotates the pairs (i, i + K/2) of every head by sign times the angle of its position. One block takes `rows` rows. */
import { bytes, load4, madd, nmadd, store4 } from "./lib/vector";

@unmanaged
class Rotary {
  /** [B·T, H, K]. */
  x: usize;
  /** [positions, 2, K/2]: cosines, sines. */
  table: usize;
  /** [1] u32 or 0: the position of t = 0. */
  position: usize;
  y: usize;
  strideX: i32;
  strideY: i32;
  B: i32;
  T: i32;
  H: i32;
  K: i32;
  sign: i32;
  rows: i32;
}

export function rotary(args: Rotary, block: i32, _workspace: usize): void {
  const K = args.K, half = K >> 1, end = min(args.B * args.T, (block + 1) * args.rows);
  const start = args.position ? load<i32>(args.position) : 0, sign = f32x4.splat(<f32> args.sign);
  for (let row = block * args.rows; row < end; row++) {
    const cosines = args.table + bytes((start + row % args.T) * K), sines = cosines + bytes(half);
    let x = args.x + bytes(row * args.strideX), y = args.y + bytes(row * args.strideY);
    for (let h = 0; h < args.H; h++, x += bytes(K), y += bytes(K)) {
      for (let i = 0; i < half; i += 4) {
        const at = bytes(i), left = half - i;
        const cos = load4(cosines + at, left), sin = f32x4.mul(load4(sines + at, left), sign);
        const first = load4(x + at, left), second = load4(x + bytes(half) + at, left);
        store4(y + at, nmadd(second, sin, f32x4.mul(first, cos)), left);
        store4(y + bytes(half) + at, madd(first, sin, f32x4.mul(second, cos)), left);
      }
    }
  }
}
