// Operand b of matmul_tile stored as [N, K], or with rows of any offset and length: loads of 32 bits. lib/matmul_b_fours is for [K, N] with multiples
// of four.
@group(0) @binding(1) var<storage, read> b: array<f32>;

/// Four neighbouring columns at one k. Neighbouring invocations load neighbours in memory. Zero beyond the last k.
fn load_b(unit: u32, first: u32, k0: u32) -> vec4f {
  let place = quad_place(unit, COLUMNS, TRANS_B);
  let k = min(k0 + place.x, run.K - 1);
  var numbers: vec4f;
  for (var j = 0u; j < 4; j++) {
    let line = min(first + place.y + j, run.N - 1);
    numbers[j] = b[run.B_OFFSET + select(k * run.B_STRIDE + line, line * run.B_STRIDE + k, TRANS_B)];
  }
  return select(vec4f(), numbers, k0 + place.x < run.K);
}

fn keep_b(unit: u32, numbers: vec4f) {
  let place = quad_place(unit, COLUMNS, TRANS_B);
  b_tile[place.x * B_PITCH + place.y / 4] = kept4(numbers);
}
