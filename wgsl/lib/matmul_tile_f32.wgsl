// What matmul_tile keeps in workgroup memory: f32. lib/matmul_tile_f16 is the same for operands rounded to f16.
alias Quad = vec4f;

fn kept4(x: vec4f) -> Quad {
  return x;
}

fn read4(x: Quad) -> vec4f {
  return x;
}
