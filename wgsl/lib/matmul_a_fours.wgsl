// Operand a of matmul_tile stored as [K, M], if its rows begin and end at multiples of four: loads of 128 bits. lib/matmul_a_ones is for all other
// matrices.
@group(0) @binding(0) var<storage, read> a: array<vec4f>;

/// Four neighbouring rows at one k. Zero beyond the last k.
fn load_a(unit: u32, first: u32, k0: u32) -> vec4f {
  let place = quad_place(unit, ROWS, false);
  let k = k0 + place.x;
  let at = min(k, run.K - 1) * run.A_STRIDE + min(first + place.y, run.M - 4);
  return select(vec4f(), a[(run.A_OFFSET + at) / 4], k < run.K);
}

fn keep_a(unit: u32, numbers: vec4f) {
  let place = quad_place(unit, ROWS, false);
  a_tile[place.x * A_PITCH + place.y / 4] = kept4(numbers);
}
