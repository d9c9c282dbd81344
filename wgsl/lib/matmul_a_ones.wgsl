// Operand a of matmul_tile where rows begin and end anywhere: loads of 32 bits. lib/matmul_a_fours is for rows of whole fours.
@group(0) @binding(0) var<storage, read> a: array<f32>;

/// Four numbers of the tile. Neighbouring invocations load neighbours in memory. Zero beyond the last k.
fn load_a(unit: u32, first: u32, k0: u32) -> vec4f {
  var numbers: vec4f;
  for (var j = 0u; j < 4; j++) {
    let place = one_place(unit, j, ROWS, !TRANS_A);
    let k = k0 + place.x;
    let line = min(first + place.y, run.M - 1);
    let at = select(min(k, run.K - 1) * run.A_STRIDE + line, line * run.A_STRIDE + min(k, run.K - 1), !TRANS_A);
    numbers[j] = select(0.0, a[run.A_OFFSET + at], k < run.K);
  }
  return numbers;
}

fn keep_a(unit: u32, numbers: vec4f) {
  let kept = kept4(numbers);
  for (var j = 0u; j < 4; j++) {
    let place = one_place(unit, j, ROWS, !TRANS_A);
    a_tile[place.x * A_PITCH + place.y / 4][place.y % 4] = kept[j];
  }
}
