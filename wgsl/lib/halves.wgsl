// 16-bit floats from the bits of f32, with integers and one exact difference, so that rounding and subnormals are the same on every adapter. EXPONENT_BITS is 8 for
// bf16 and 5 for f16.
override EXPONENT_BITS: u32 = 8;

/// `whole` without its lowest `drop` bits (1 to 31), rounded to nearest, ties to even.
fn rounded_shift(whole: u32, drop: u32) -> u32 {
  return (whole + (1u << (drop - 1)) - 1 + ((whole >> drop) & 1)) >> drop;
}

/// The 16-bit float nearest to the f32 number with these bits. NaN stays NaN; too large values become infinite.
fn half_of(bits: u32) -> u32 {
  let sign = (bits >> 16) & 0x8000;
  let size = bits & 0x7fffffff;
  if (EXPONENT_BITS == 8) {
    return sign | select(rounded_shift(size, 16), (size >> 16) | 0x40, size > 0x7f800000);
  }
  if (size > 0x7f800000) {
    return sign | ((size >> 13) & 0x3ff) | 0x7e00;
  }
  if (size >= 0x38800000) {
    return sign | min(0x7c00, rounded_shift(size - 0x38000000, 13));
  }
  // Below 2⁻¹⁴ the step of f16 is 2⁻²⁴; below 2⁻²⁵ the result is zero.
  let drop = min(126 - (size >> 23), 31);
  return sign | rounded_shift((size & 0x7fffff) | 0x800000, drop);
}

/// The bits of a 16-bit float converted to f32, which is exact.
fn bits_of_half(half: u32) -> u32 {
  if (EXPONENT_BITS == 8) {
    return half << 16;
  }
  let sign = (half & 0x8000) << 16;
  let size = half & 0x7fff;
  let normal = (size << 13) + select(0x38000000u, 0x70000000u, size >= 0x7c00);
  // Below 2⁻¹⁴ the bits are a multiple of 2⁻²⁴: 2⁻¹⁴ plus this number, minus 2⁻¹⁴, both exact and without subnormals of f32.
  let small = bitcast<u32>(bitcast<f32>((size << 13) + 0x38800000) - bitcast<f32>(0x38800000u));
  return sign | select(small, normal, size >= 0x400);
}

/// The number in column `column`, from the word that contains it.
fn half_number(word: u32, column: u32) -> f32 {
  return bitcast<f32>(bits_of_half((word >> (16 * (column & 1))) & 0xffff));
}
