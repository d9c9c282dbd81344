/** Multiply-adds without memory access: the upper limit of matrix products on this machine. For benchmarks. */
import { madd } from "./lib/vector";

@unmanaged
class Peak {
  /** [blocks, 4], so that nothing is optimised away. */
  out: usize;
  /** Rounds of 12 vector multiply-adds (96 flops) in each block. */
  rounds: i32;
  /** Factors, loaded from memory: constants would be rebuilt in every round. */
  x: f32;
  y: f32;
}

export function multiply_add_peak(args: Peak, block: i32, _workspace: usize): void {
  const x = f32x4.splat(args.x), y = f32x4.splat(args.y);
  let a = f32x4.splat(1), b = f32x4.splat(2), c = f32x4.splat(3), d = f32x4.splat(4), e = f32x4.splat(5);
  let f = f32x4.splat(6), g = f32x4.splat(7), h = f32x4.splat(8), i = f32x4.splat(9), j = f32x4.splat(10);
  let k = f32x4.splat(11), l = f32x4.splat(12);
  for (let round = args.rounds; round > 0; round--) {
    a = madd(x, y, a), b = madd(x, y, b), c = madd(x, y, c), d = madd(x, y, d), e = madd(x, y, e), f = madd(x, y, f);
    g = madd(x, y, g), h = madd(x, y, h), i = madd(x, y, i), j = madd(x, y, j), k = madd(x, y, k), l = madd(x, y, l);
  }
  const ab = f32x4.add(f32x4.add(a, b), f32x4.add(c, d)), ef = f32x4.add(f32x4.add(e, f), f32x4.add(g, h));
  v128.store(
    args.out + (<usize> block << 4),
    f32x4.add(f32x4.add(ab, ef), f32x4.add(f32x4.add(i, j), f32x4.add(k, l))),
  );
}
