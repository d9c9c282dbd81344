// Four neighbouring channels at once, if I and the offsets of all rows are multiples of 4. lib/channels_vec1 is for all other rows.
alias Vec = vec4f;

/// Channels i to i + 3 of a row of I. Beyond the last channel, the values are arbitrary.
fn load4(rows: ptr<storage, array<vec4f>, read>, row: u32, i: u32) -> vec4f {
  return rows[(row + min(i, I - 4)) / 4];
}

/// Writes those of the four channels that exist.
fn store4(rows: ptr<storage, array<vec4f>, read_write>, row: u32, i: u32, values: vec4f) {
  if (i < I) {
    rows[(row + i) / 4] = values;
  }
}
