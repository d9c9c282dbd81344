/**
 * c[m, n] = (or +=) Σ_k a[m, k] · b[n, k] for a skinny a, which has few rows, as in generation. Each row of b is read once, and nothing is packed. The bits of a
 * row of c do not depend on how many rows there are.
 * One block takes `columns` columns of c.
 */
import { bytes, load4, madd, sum4, sumEach } from "./lib/vector";

@unmanaged
class MatmulSkinny {
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

@inline
function put(args: MatmulSkinny, m: i32, n: i32, value: f32): void {
  const to = args.c + bytes(m * args.strideC + n);
  store<f32>(to, args.accumulate ? load<f32>(to) + value : value);
}

/** Four rows from m on with column n: the sums of `dot`, in its order, with one load of b for all four. */
function dots(args: MatmulSkinny, m: i32, n: i32, b: usize): void {
  const K = args.K, whole = K & ~7, row = bytes(args.strideA), a = args.a + bytes(m * args.strideA), zero = f32x4.splat(0);
  let even0 = zero, odd0 = zero, even1 = zero, odd1 = zero, even2 = zero, odd2 = zero, even3 = zero, odd3 = zero;
  for (let i = 0; i < whole; i += 8) {
    const at = bytes(i), x = v128.load(b + at), y = v128.load(b + at, 16), a0 = a + at, a1 = a0 + row, a2 = a1 + row;
    const a3 = a2 + row;
    even0 = madd(v128.load(a0), x, even0), odd0 = madd(v128.load(a0, 16), y, odd0);
    even1 = madd(v128.load(a1), x, even1), odd1 = madd(v128.load(a1, 16), y, odd1);
    even2 = madd(v128.load(a2), x, even2), odd2 = madd(v128.load(a2, 16), y, odd2);
    even3 = madd(v128.load(a3), x, even3), odd3 = madd(v128.load(a3, 16), y, odd3);
  }
  for (let i = whole; i < K; i += 4) {
    const at = bytes(i), left = K - i, x = load4(b + at, left), a0 = a + at, a1 = a0 + row, a2 = a1 + row, a3 = a2 + row;
    even0 = madd(load4(a0, left), x, even0), even1 = madd(load4(a1, left), x, even1);
    even2 = madd(load4(a2, left), x, even2), even3 = madd(load4(a3, left), x, even3);
  }
  put(args, m, n, sum4(f32x4.add(even0, odd0)));
  put(args, m + 1, n, sum4(f32x4.add(even1, odd1)));
  put(args, m + 2, n, sum4(f32x4.add(even2, odd2)));
  put(args, m + 3, n, sum4(f32x4.add(even3, odd3)));
}

/** Row m with four columns from n on: the sums of `dot`, in its order, with one load of a for all four. */
function across(args: MatmulSkinny, m: i32, n: i32, b: usize): void {
  const K = args.K, whole = K & ~7, row = bytes(args.strideB), a = args.a + bytes(m * args.strideA), zero = f32x4.splat(0);
  let even0 = zero, odd0 = zero, even1 = zero, odd1 = zero, even2 = zero, odd2 = zero, even3 = zero, odd3 = zero;
  for (let i = 0; i < whole; i += 8) {
    const at = bytes(i), x = v128.load(a + at), y = v128.load(a + at, 16), b0 = b + at, b1 = b0 + row, b2 = b1 + row;
    const b3 = b2 + row;
    even0 = madd(x, v128.load(b0), even0), odd0 = madd(y, v128.load(b0, 16), odd0);
    even1 = madd(x, v128.load(b1), even1), odd1 = madd(y, v128.load(b1, 16), odd1);
    even2 = madd(x, v128.load(b2), even2), odd2 = madd(y, v128.load(b2, 16), odd2);
    even3 = madd(x, v128.load(b3), even3), odd3 = madd(y, v128.load(b3, 16), odd3);
  }
  for (let i = whole; i < K; i += 4) {
    const at = bytes(i), left = K - i, x = load4(a + at, left), b0 = b + at, b1 = b0 + row, b2 = b1 + row, b3 = b2 + row;
    even0 = madd(x, load4(b0, left), even0), even1 = madd(x, load4(b1, left), even1);
    even2 = madd(x, load4(b2, left), even2), even3 = madd(x, load4(b3, left), even3);
  }
  const to = args.c + bytes(m * args.strideC + n);
  const sums = sumEach(f32x4.add(even0, odd0), f32x4.add(even1, odd1), f32x4.add(even2, odd2), f32x4.add(even3, odd3));
  v128.store(to, args.accumulate ? f32x4.add(v128.load(to), sums) : sums);
}

export function matmul_skinny(args: MatmulSkinny, block: i32, _workspace: usize): void {
  const first = block * args.columns, end = min(args.N, first + args.columns), fours = args.M & ~3;
  for (let n = first; fours > 0 && n < end; n++) {
    for (let m = 0; m < fours; m += 4) dots(args, m, n, args.b + bytes(n * args.strideB));
  }
  for (let m = fours; m < args.M; m++) {
    let n = first;
    for (; n + 4 <= end; n += 4) across(args, m, n, args.b + bytes(n * args.strideB));
    for (; n < end; n++) put(args, m, n, dot(args.a + bytes(m * args.strideA), args.b + bytes(n * args.strideB), args.K));
  }
}
