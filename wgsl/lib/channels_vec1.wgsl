// Four neighbouring channels, one by one, for any offset and length of rows. lib/channels_vec4 is for multiples of 4.
alias Vec = f32;

/// Channels i to i + 3 of a row of I. Beyond the last channel, the last one is repeated.
fn load4(rows: ptr<storage, array<f32>, read>, row: u32, i: u32) -> vec4f {
  let at = row + min(i + vec4u(0, 1, 2, 3), vec4u(I - 1));
  return vec4f(rows[at.x], rows[at.y], rows[at.z], rows[at.w]);
}

/// Writes those of the four channels that exist.
fn store4(rows: ptr<storage, array<f32>, read_write>, row: u32, i: u32, values: vec4f) {
  var copy = values;
  for (var c = 0u; c < 4; c++) {
    if (i + c < I) {
      rows[row + i + c] = copy[c];
    }
  }
}
