// How swiglu_backward reads gate and up: from words of two 16-bit floats (lib/halves), one number at a time (lib/vec1).
@group(0) @binding(1) var<storage, read> guR2F: array<u32>;

/// Column `column` of the row whose first word is `first`.
fn gu(first: u32, column: u32) -> vec4f {
  return vec4f(half_number(guR2F[first + column / 2], column));
}
