// Operand b of matmul_tile where its rows begin and end at multiples of four: loads of 128 bits. lib/matmul_b_ones is for all other rows.
@group(0) @binding(1) var<storage, read> b: array<vec4f>;

/// Four neighbours in memory, along k or along the columns of the tile. Zero beyond the last k.
fn load_b(unit: u32, first: u32, k0: u32) -> vec4f {
  let place = quad_place(unit, COLUMNS, TRANS_B);
  let k = k0 + place.x;
  var at: u32;
  if (TRANS_B) {
    at = min(first + place.y, run.N - 1) * run.B_STRIDE + min(k, run.K - 4);
  } else {
    at = min(k, run.K - 1) * run.B_STRIDE + min(first + place.y, run.N - 4);
  }
  return select(vec4f(), b[(run.B_OFFSET + at) / 4], k < run.K);
}

fn keep_b(unit: u32, numbers: vec4f) {
  let place = quad_place(unit, COLUMNS, TRANS_B);
  let kept = kept4(numbers);
  if (TRANS_B) {
    for (var j = 0u; j < 4; j++) {
      b_tile[(place.x + j) * B_PITCH + place.y / 4][place.y % 4] = kept[j];
    }
  } else {
    b_tile[place.x * B_PITCH + place.y / 4] = kept;
  }
}
