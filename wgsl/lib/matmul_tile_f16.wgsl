enable f16;

// What matmul_tile keeps in workgroup memory where operands are rounded to f16: half as many bytes to hold and to load. An operand is rounded
// once, when it is put there, and widened when it is loaded for 8 × 8 multiply-adds. 11 bits times 11 bits fit into the 24 of f32, so
// products are exact and sums are those of f32: only the operands are rounded. lib/matmul_tile_f32 is the same without rounding.
alias Quad = vec4<f16>;

/// Two infinities in f16, as bits. A variable, because no constant expression may hold an infinity.
var<private> infinite_bits = 0x7c007c00u;

/// Rounded to f16. From 65520, which is nearer to the next number than to the largest, infinite whatever the adapter's conversion does,
/// so that loss scaling sees it.
fn kept4(x: vec4f) -> Quad {
  let infinite = vec4<f16>(sign(x)) * bitcast<vec2<f16>>(infinite_bits).x;
  return select(vec4<f16>(x), infinite, abs(x) >= vec4f(65520.0));
}

fn read4(x: Quad) -> vec4f {
  return vec4f(x);
}
