// The matrix b of matmul_subgroup where row length, stride and offset are multiples of 4.
@group(0) @binding(1) var<storage, read> b: array<vec4f>;

/// Four neighbours of a row of b as it is stored; beyond the matrix some others of it.
fn b_quad(run: Run, row: u32, column: u32) -> vec4f {
  let rows = select(run.K, run.N, TRANS_B);
  let columns = select(run.N, run.K, TRANS_B);
  return b[(run.B_OFFSET + min(row, rows - 1) * run.B_STRIDE + min(column, columns - 4)) / 4];
}
