// lib/halves for four neighbouring columns at a time: the same integers, without branches.
override EXPONENT_BITS: u32 = 8;

/// Each number without its lowest `drop` bits (1 to 31), rounded to nearest, ties to even.
fn rounded_shifts(whole: vec4u, drop: vec4u) -> vec4u {
  return (whole + (vec4u(1) << (drop - 1)) - 1 + ((whole >> drop) & vec4u(1))) >> drop;
}

/// The 16-bit floats nearest to the f32 numbers with these bits. NaN stays NaN; too large values become infinite.
fn halves_of(bits: vec4u) -> vec4u {
  let sign = (bits >> vec4u(16)) & vec4u(0x8000);
  let size = bits & vec4u(0x7fffffff);
  let no_number = size > vec4u(0x7f800000);
  if (EXPONENT_BITS == 8) {
    return sign | select(rounded_shifts(size, vec4u(16)), (size >> vec4u(16)) | vec4u(0x40), no_number);
  }
  let normal = min(vec4u(0x7c00), rounded_shifts(size - vec4u(0x38000000), vec4u(13)));
  // Below 2⁻¹⁴ the step of f16 is 2⁻²⁴; below 2⁻²⁵ the result is zero. The result is not used if the subtraction wraps around.
  let drop = min(vec4u(126) - (size >> vec4u(23)), vec4u(31));
  let small = rounded_shifts((size & vec4u(0x7fffff)) | vec4u(0x800000), drop);
  let finite = select(small, normal, size >= vec4u(0x38800000));
  return sign | select(finite, ((size >> vec4u(13)) & vec4u(0x3ff)) | vec4u(0x7e00), no_number);
}

/// The bits of 16-bit floats converted to f32, which is exact.
fn bits_of_halves(half: vec4u) -> vec4u {
  if (EXPONENT_BITS == 8) {
    return half << vec4u(16);
  }
  let sign = (half & vec4u(0x8000)) << vec4u(16);
  let size = half & vec4u(0x7fff);
  let moved = size << vec4u(13);
  let lead = firstLeadingBit(max(size, vec4u(1)));
  let small = ((lead + 103) << vec4u(23)) | ((size << (vec4u(23) - min(lead, vec4u(23)))) & vec4u(0x7fffff));
  let low = select(small, vec4u(0), size == vec4u(0));
  let finite = select(low, moved + vec4u(0x38000000), size >= vec4u(0x400));
  return sign | select(finite, moved | vec4u(0x7f800000), size >= vec4u(0x7c00));
}
