// The matrix b of matmul_subgroup where rows may start and end anywhere.
@group(0) @binding(1) var<storage, read> b: array<f32>;

override B_ROWS: u32 = select(K, N, TRANS_B);
override B_COLUMNS: u32 = select(N, K, TRANS_B);

/// Four neighbours of a row of b as it is stored; beyond the matrix some others of it.
fn b_quad(row: u32, column: u32) -> vec4f {
  let start = B_OFFSET + min(row, B_ROWS - 1) * B_STRIDE;
  let last = B_COLUMNS - 1;
  return vec4f(b[start + min(column, last)], b[start + min(column + 1, last)], b[start + min(column + 2, last)], b[start + min(column + 3, last)]);
}
