// Operand b of matmul_tile stored as [K, N], if its rows begin and end at multiples of four: loads of 128 bits. lib/matmul_b_ones is for all other
// matrices.
@group(0) @binding(1) var<storage, read> b: array<vec4f>;

/// Four neighbouring columns at one k. Zero beyond the last k.
fn load_b(unit: u32, first: u32, k0: u32) -> vec4f {
  let place = quad_place(unit, COLUMNS, false);
  let k = k0 + place.x;
  let at = min(k, run.K - 1) * run.B_STRIDE + min(first + place.y, run.N - 4);
  return select(vec4f(), b[(run.B_OFFSET + at) / 4], k < run.K);
}

fn keep_b(unit: u32, numbers: vec4f) {
  let place = quad_place(unit, COLUMNS, false);
  b_tile[place.x * B_PITCH + place.y / 4] = kept4(numbers);
}
