// Tiles of matmul_tile in workgroup memory in f32. lib/matmul_tile_f16 rounds operands to f16.
alias Component = f32;
alias Quad = vec4f;

fn kept4(x: vec4f) -> Quad {
  return x;
}

fn read4(x: Quad) -> vec4f {
  return x;
}
