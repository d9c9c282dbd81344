// Operand a of matmul_tile stored as [M, K], or with rows of any offset and length: loads of 32 bits. lib/matmul_a_fours is for [K, M] with multiples
// of four.
@group(0) @binding(0) var<storage, read> a: array<f32>;

/// Four neighbouring rows at one k. Neighbouring invocations load neighbours in memory. Zero beyond the last k.
fn load_a(unit: u32, first: u32, k0: u32) -> vec4f {
  let place = quad_place(unit, ROWS, !TRANS_A);
  let k = min(k0 + place.x, run.K - 1);
  var numbers: vec4f;
  for (var j = 0u; j < 4; j++) {
    let line = min(first + place.y + j, run.M - 1);
    numbers[j] = a[run.A_OFFSET + select(k * run.A_STRIDE + line, line * run.A_STRIDE + k, !TRANS_A)];
  }
  return select(vec4f(), numbers, k0 + place.x < run.K);
}

fn keep_a(unit: u32, numbers: vec4f) {
  let place = quad_place(unit, ROWS, !TRANS_A);
  a_tile[place.x * A_PITCH + place.y / 4] = kept4(numbers);
}
