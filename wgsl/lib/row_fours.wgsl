// Rows of numbers in memory, four at a time, if rows begin and end at multiples of four. lib/row_ones is for all other rows.
alias Cell = vec4f;
const CELL = 4u; // numbers

/// Numbers 4·i to 4·i + 3 of the row of `columns` numbers that begins at cell `at`.
fn four(rows: ptr<storage, array<Cell>, read>, at: u32, i: u32, columns: u32) -> vec4f {
  return rows[at + i];
}

/// Writes them, or adds them to the row.
fn write_four(rows: ptr<storage, array<Cell>, read_write>, at: u32, i: u32, columns: u32, numbers: vec4f, accumulate: bool) {
  rows[at + i] = select(numbers, numbers + rows[at + i], accumulate);
}
