// Scaling, division and output of the sums over rows of COLUMNS numbers, for lib/attention_columns_workgroup and _subgroup.

/// Multiplies the sums of four rows, each by its own factor.
fn scale_COLUMNS(sums: ptr<function, Sums_COLUMNS>, u: u32, factors: vec4f) {
  for (var e = 0u; e < COLUMNS_EACH; e++) {
    for (var c = 0u; c < 4; c++) {
      sums[u][e][c] *= factors;
    }
  }
}

/// Divides the sums of four rows, each by its own divisor.
fn divide_COLUMNS(sums: ptr<function, Sums_COLUMNS>, u: u32, divisors: vec4f) {
  for (var e = 0u; e < COLUMNS_EACH; e++) {
    for (var c = 0u; c < 4; c++) {
      sums[u][e][c] /= divisors;
    }
  }
}

/// Writes the sums as rows, or adds them to the rows.
fn write_COLUMNS(
  target_rows: ptr<storage, array<Cell>, read_write>,
  rows: Rows,
  sums: ptr<function, Sums_COLUMNS>,
  block: Block,
  place: vec2u,
  accumulate: bool,
) {
  for (var u = 0u; u < QUADS; u++) {
    for (var e = 0u; e < COLUMNS_EACH; e++) {
      let i = place.x + ACROSS * e;
      let four_rows = transpose(mat4x4f(sums[u][e][0], sums[u][e][1], sums[u][e][2], sums[u][e][3]));
      for (var r = 0u; r < 4; r++) {
        let row = block.first + 4 * (QUADS * place.y + u) + r;
        if (row <= block.last && 4 * i < COLUMNS) {
          write_four(target_rows, rows.at + row * rows.stride, i, COLUMNS, four_rows[r], accumulate);
        }
      }
    }
  }
}
