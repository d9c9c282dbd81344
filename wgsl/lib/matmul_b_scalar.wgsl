// The matrix b of matmul_subgroup where rows may start and end anywhere.
@group(0) @binding(1) var<storage, read> b: array<f32>;

/// Four neighbours of a row of b as it is stored; beyond the matrix some others of it.
fn b_quad(run: Run, row: u32, column: u32) -> vec4f {
  let start = run.B_OFFSET + min(row, select(run.K, run.N, TRANS_B) - 1) * run.B_STRIDE;
  let last = select(run.N, run.K, TRANS_B) - 1;
  return vec4f(b[start + min(column, last)], b[start + min(column + 1, last)], b[start + min(column + 2, last)], b[start + min(column + 3, last)]);
}
