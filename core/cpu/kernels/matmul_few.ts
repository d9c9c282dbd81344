/**
 * c[m, n] = (or +=) Σ_k a[m, k] · b[n, k] for few rows of a, as in generation. Each row of b is read once, and nothing is packed.
 * One block takes `columns` columns of c.
 */
import { bytes, load4, madd, sum4 } from "./lib/vector";

@unmanaged
class MatmulFew {
  /** [M, K]. */
  a: usize;
  /** [N, K]. */
  b: usize;
  c: usize;
  strideA: i32;
  strideB: i32;
  strideC: i32;
  M: i32;
  N: i32;
  K: i32;
  accumulate: i32;
  columns: i32;
}

function dot(a: usize, b: usize, n: i32): f32 {
  let even = f32x4.splat(0), odd = even;
  const whole = n & ~7;
  for (let i = 0; i < whole; i += 8, a += 32, b += 32) {
    even = madd(v128.load(a), v128.load(b), even);
    odd = madd(v128.load(a, 16), v128.load(b, 16), odd);
  }
  for (let i = whole; i < n; i += 4, a += 16, b += 16) even = madd(load4(a, n - i), load4(b, n - i), even);
  return sum4(f32x4.add(even, odd));
}

export function matmul_few(args: MatmulFew, block: i32, _workspace: usize): void {
  const end = min(args.N, (block + 1) * args.columns);
  for (let n = block * args.columns; n < end; n++) {
    const b = args.b + bytes(n * args.strideB);
    for (let m = 0; m < args.M; m++) {
      const to = args.c + bytes(m * args.strideC + n), value = dot(args.a + bytes(m * args.strideA), b, args.K);
      store<f32>(to, args.accumulate ? load<f32>(to) + value : value);
    }
  }
}
