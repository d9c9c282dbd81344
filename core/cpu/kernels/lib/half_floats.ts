/** 16-bit floats from the bits of f32, four at a time: round to nearest, ties to even; NaN and infinities stay. */

import { bytes, load4 } from "./vector";

/** Distinguishes bf16 from f16 in a kernel's arguments. */
export const BF16_EXPONENT: i32 = 8;

/** The lower 16 bits of each lane: the nearest bf16. */
@inline
export function bf16Of(bits: v128): v128 {
  const size = v128.and(bits, i32x4.splat(0x7fffffff)), odd = v128.and(i32x4.shr_u(bits, 16), i32x4.splat(1));
  const near = i32x4.shr_u(i32x4.add(bits, i32x4.add(odd, i32x4.splat(0x7fff))), 16);
  const quietNan = v128.or(i32x4.shr_u(bits, 16), i32x4.splat(0x40));
  return v128.bitselect(quietNan, near, i32x4.gt_s(size, i32x4.splat(0x7f800000)));
}

/** The lower 16 bits of each lane: the nearest f16; too large values become infinite. */
export function f16Of(bits: v128): v128 {
  const size = v128.and(bits, i32x4.splat(0x7fffffff)), sign = i32x4.shr_u(v128.andnot(bits, i32x4.splat(0x7fffffff)), 16);
  const odd = v128.and(i32x4.shr_u(size, 13), i32x4.splat(1));
  const from = i32x4.sub(size, i32x4.splat(0x38000000));
  const normal = i32x4.min_u(
    i32x4.shr_u(i32x4.add(from, i32x4.add(odd, i32x4.splat(0xfff))), 13),
    i32x4.splat(0x7c00),
  );
  // Near 0.5 the step of f32 is 2⁻²⁴, the same as that of f16 below 2⁻¹⁴. So adding 0.5 rounds the number.
  const small = i32x4.sub(f32x4.add(size, f32x4.splat(0.5)), i32x4.splat(0x3f000000));
  const quietNan = v128.or(v128.and(i32x4.shr_u(size, 13), i32x4.splat(0x3ff)), i32x4.splat(0x7e00));
  const finite = v128.bitselect(small, normal, i32x4.lt_s(size, i32x4.splat(0x38800000)));
  return v128.or(sign, v128.bitselect(quietNan, finite, i32x4.gt_s(size, i32x4.splat(0x7f800000))));
}

/** The bits of the f32 numbers that are equal to the f16 in the lower 16 bits of each lane. */
export function f16Bits(half: v128): v128 {
  const size = v128.and(half, i32x4.splat(0x7fff)), sign = i32x4.shl(v128.and(half, i32x4.splat(0x8000)), 16);
  const moved = i32x4.shl(size, 13);
  const normal = i32x4.add(moved, i32x4.splat(0x38000000));
  const small = f32x4.mul(f32x4.convert_i32x4_s(size), f32x4.splat(5.9604644775390625e-8)); // 2⁻²⁴
  const special = v128.or(moved, i32x4.splat(0x7f800000));
  const finite = v128.bitselect(small, normal, i32x4.lt_s(size, i32x4.splat(0x400)));
  return v128.or(sign, v128.bitselect(special, finite, i32x4.gt_s(size, i32x4.splat(0x7bff))));
}

/** Eight 16-bit floats, in order, from the lower halves of two vectors. */
@inline
export function join(low: v128, high: v128): v128 {
  return i8x16.shuffle(low, high, 0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29);
}

/** Columns 0 to 3 of the eight 16-bit floats at `from`, as f32. */
@inline
export function widenLow(eight: v128, exponentBits: i32): v128 {
  const halves = i32x4.extend_low_i16x8_u(eight);
  return exponentBits == BF16_EXPONENT ? i32x4.shl(halves, 16) : f16Bits(halves);
}

/** Columns 4 to 7. */
@inline
export function widenHigh(eight: v128, exponentBits: i32): v128 {
  const halves = i32x4.extend_high_i16x8_u(eight);
  return exponentBits == BF16_EXPONENT ? i32x4.shl(halves, 16) : f16Bits(halves);
}

/** The next `count` 16-bit floats (4 if more are left), in the low 16 bits of four lanes, with zeros in the lanes after them. */
function loadHalves(from: usize, count: i32): v128 {
  if (count >= 4) return i32x4.extend_low_i16x8_u(v128.load64_zero(from));
  let x = i32x4.splat(<i32> load<u16>(from));
  if (count < 2) return v128.and(x, i32x4(-1, 0, 0, 0));
  x = i32x4.replace_lane(x, 1, <i32> load<u16>(from, 2));
  x = count > 2 ? i32x4.replace_lane(x, 2, <i32> load<u16>(from, 4)) : i32x4.replace_lane(x, 2, 0);
  return i32x4.replace_lane(x, 3, 0);
}

/** Columns `column` to `column` + 3 of a row of f32, or with `exponentBits` of a row of 16-bit floats in words. */
@inline
export function loadStored(row: usize, column: i32, left: i32, exponentBits: i32): v128 {
  if (!exponentBits) return load4(row + bytes(column), left);
  const halves = loadHalves(row + (<usize> column << 1), left);
  return exponentBits == BF16_EXPONENT ? i32x4.shl(halves, 16) : f16Bits(halves);
}
