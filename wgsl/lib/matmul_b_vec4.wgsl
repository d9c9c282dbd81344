// The matrix b of matmul_subgroup where row length, stride and offset are multiples of 4.
@group(0) @binding(1) var<storage, read> b: array<vec4f>;

override B_ROWS: u32 = select(K, N, TRANS_B);
override B_COLUMNS: u32 = select(N, K, TRANS_B);

/// Four neighbours of a row of b as it is stored; beyond the matrix some others of it.
fn b_quad(row: u32, column: u32) -> vec4f {
  return b[(B_OFFSET + min(row, B_ROWS - 1) * B_STRIDE + min(column, B_COLUMNS - 4)) / 4];
}
