enable f16;

// Tiles of matmul_tile in workgroup memory with operands rounded to f16: half as many bytes to store and load. An operand is rounded once, when it is
// stored there, and converted to f32 when it is loaded for 8 × 8 multiply-adds. 11 bits times 11 bits fit into the 24 bits of f32, so products are
// exact and sums are those of f32. Only the operands are rounded. lib/matmul_tile_f32 does not round.
alias Component = f16;
alias Quad = vec4<f16>;

/// The bits of two f16 infinities. A variable, because WGSL does not allow infinities in constant expressions.
var<private> infinite_bits = 0x7c007c00u;

/// Rounds to f16. Values from 65520 on, which are closer to the next power of two than to the largest f16, become infinite whatever the adapter's
/// conversion does, so that loss scaling detects them.
fn kept4(x: vec4f) -> Quad {
  let infinite = vec4<f16>(sign(x)) * bitcast<vec2<f16>>(infinite_bits).x;
  return select(vec4<f16>(x), infinite, abs(x) >= vec4f(65520.0));
}

fn read4(x: Quad) -> vec4f {
  return vec4f(x);
}
