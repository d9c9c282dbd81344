/**
 * Vectors of four f32 lanes: loads and stores at the end of a row that is no multiple of four, multiply-add, sums over lanes.
 * A fused multiply-add rounds once, so the relaxed and the plain build differ in the last bits. Each build gives the same bits on every run.
 */

/** a · b + c. */
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** c − a · b. */
@inline
export function nmadd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_nmadd(a, b, c);
  return f32x4.sub(c, f32x4.mul(a, b));
}

/** Bytes of n elements. */
@inline
export function bytes(n: i32): usize {
  return <usize> n << 2;
}

function loadPart(from: usize, count: i32): v128 {
  let x = v128.load32_zero(from);
  if (count > 1) x = f32x4.replace_lane(x, 1, load<f32>(from, 4));
  if (count > 2) x = f32x4.replace_lane(x, 2, load<f32>(from, 8));
  return x;
}

function storePart(to: usize, x: v128, count: i32): void {
  store<f32>(to, f32x4.extract_lane(x, 0));
  if (count > 1) store<f32>(to, f32x4.extract_lane(x, 1), 4);
  if (count > 2) store<f32>(to, f32x4.extract_lane(x, 2), 8);
}

/** The next `count` elements (4 if more are left), with zeros in the lanes after them. */
@inline
export function load4(from: usize, count: i32): v128 {
  return count >= 4 ? v128.load(from) : loadPart(from, count);
}

@inline
export function store4(to: usize, x: v128, count: i32): void {
  if (count >= 4) v128.store(to, x);
  else storePart(to, x, count);
}

@inline
export function sum4(x: v128): f32 {
  const pairs = f32x4.add(x, i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

/** The highest lane. */
@inline
export function max4(x: v128): f32 {
  const pairs = f32x4.pmax(x, i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  return max<f32>(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1));
}

/** a0 b0 a1 b1. */
@inline
export function zipLow(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
}

/** a2 b2 a3 b3. */
@inline
export function zipHigh(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
}

/** a0 a1 b0 b1. */
@inline
export function lowHalves(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
}

/** a2 a3 b2 b3. */
@inline
export function highHalves(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
}

/** The sums over lanes of four vectors, as one vector. */
@inline
export function sumEach(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(zipLow(a, b), zipHigh(a, b)), cd = f32x4.add(zipLow(c, d), zipHigh(c, d));
  return f32x4.add(lowHalves(ab, cd), highHalves(ab, cd));
}

/** Copies n elements. */
@inline
export function copy(to: usize, from: usize, n: i32): void {
  memory.copy(to, from, bytes(n));
}

/** Fills n elements with zero. */
@inline
export function clear(to: usize, n: i32): void {
  memory.fill(to, 0, bytes(n));
}

/** to += from, n elements. */
export function addTo(to: usize, from: usize, n: i32): void {
  for (let i = 0; i < n; i += 4) {
    const at = bytes(i), left = n - i;
    store4(to + at, f32x4.add(load4(to + at, left), load4(from + at, left)), left);
  }
}
