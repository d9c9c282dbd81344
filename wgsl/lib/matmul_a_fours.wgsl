// Operand a of matmul_tile where its rows begin and end at multiples of four: loads of 128 bits. lib/matmul_a_ones is for all other rows.
@group(0) @binding(0) var<storage, read> a: array<vec4f>;

/// Four neighbours in memory, along k or along the rows of the tile. Zero beyond the last k.
fn load_a(unit: u32, first: u32, k0: u32) -> vec4f {
  let place = quad_place(unit, ROWS, !TRANS_A);
  let k = k0 + place.x;
  var at: u32;
  if (!TRANS_A) {
    at = min(first + place.y, run.M - 1) * run.A_STRIDE + min(k, run.K - 4);
  } else {
    at = min(k, run.K - 1) * run.A_STRIDE + min(first + place.y, run.M - 4);
  }
  return select(vec4f(), a[(run.A_OFFSET + at) / 4], k < run.K);
}

fn keep_a(unit: u32, numbers: vec4f) {
  let place = quad_place(unit, ROWS, !TRANS_A);
  let kept = kept4(numbers);
  if (!TRANS_A) {
    for (var j = 0u; j < 4; j++) {
      a_tile[(place.x + j) * A_PITCH + place.y / 4][place.y % 4] = kept[j];
    }
  } else {
    a_tile[place.x * A_PITCH + place.y / 4] = kept;
  }
}
