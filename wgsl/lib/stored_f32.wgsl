// Four neighbouring channels of a saved row, in f32. lib/stored_halves is the same for words of two 16-bit floats.
alias Stored = Vec;

/// Channels i to i + 3 after the first `first` columns of a row that begins at `row`.
fn stored4(rows: ptr<storage, array<Stored>, read>, row: u32, first: u32, i: u32) -> vec4f {
  return load4(rows, row + first, i);
}
