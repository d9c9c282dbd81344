// Four neighbouring channels of a saved row, in words of two 16-bit floats (with lib/halves). lib/stored_f32 is the same for f32.
alias Stored = u32;

/// Channels i to i + 3 after the first `first` columns of a row that begins at word `row`. Beyond the last channel, the last one is repeated.
fn stored4(rows: ptr<storage, array<Stored>, read>, row: u32, first: u32, i: u32) -> vec4f {
  let column = first + min(i + vec4u(0, 1, 2, 3), vec4u(I - 1));
  let at = row + column / 2;
  return vec4f(
    half_number(rows[at.x], column.x),
    half_number(rows[at.y], column.y),
    half_number(rows[at.z], column.z),
    half_number(rows[at.w], column.w),
  );
}
