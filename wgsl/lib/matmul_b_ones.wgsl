// Operand b of matmul_tile where rows begin and end anywhere: loads of 32 bits. lib/matmul_b_fours is for rows of whole fours.
@group(0) @binding(1) var<storage, read> b: array<f32>;

/// Four numbers of the tile. Neighbouring invocations load neighbours in memory. Zero beyond the last k.
fn load_b(unit: u32, first: u32, k0: u32) -> vec4f {
  var numbers: vec4f;
  for (var j = 0u; j < 4; j++) {
    let place = one_place(unit, j, COLUMNS, TRANS_B);
    let k = k0 + place.x;
    let line = min(first + place.y, run.N - 1);
    let at = select(min(k, run.K - 1) * run.B_STRIDE + line, line * run.B_STRIDE + min(k, run.K - 1), TRANS_B);
    numbers[j] = select(0.0, b[run.B_OFFSET + at], k < run.K);
  }
  return numbers;
}

fn keep_b(unit: u32, numbers: vec4f) {
  let kept = kept4(numbers);
  for (var j = 0u; j < 4; j++) {
    let place = one_place(unit, j, COLUMNS, TRANS_B);
    b_tile[place.x * B_PITCH + place.y / 4][place.y % 4] = kept[j];
  }
}
