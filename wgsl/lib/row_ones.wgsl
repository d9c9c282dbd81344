// Rows of numbers in memory, four at a time, for any offset and length of rows. lib/row_fours is for multiples of four.
alias Cell = f32;
const CELL = 1u; // numbers

/// Numbers 4·i to 4·i + 3 of the row of `columns` numbers that begins at `at`; zero beyond its end.
fn four(rows: ptr<storage, array<Cell>, read>, at: u32, i: u32, columns: u32) -> vec4f {
  let column = 4 * i + vec4u(0, 1, 2, 3);
  let near = at + min(column, vec4u(columns - 1));
  return select(vec4f(), vec4f(rows[near.x], rows[near.y], rows[near.z], rows[near.w]), column < vec4u(columns));
}

/// Writes those of them that are in the row, or adds them to the row.
fn write_four(rows: ptr<storage, array<Cell>, read_write>, at: u32, i: u32, columns: u32, numbers: vec4f, accumulate: bool) {
  var copy = numbers;
  for (var c = 0u; c < 4; c++) {
    if (4 * i + c < columns) {
      let place = at + 4 * i + c;
      rows[place] = select(copy[c], copy[c] + rows[place], accumulate);
    }
  }
}
