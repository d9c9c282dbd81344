// The matrices of matmul_subgroup, if all row lengths, strides and offsets are multiples of 4. lib/matmul_ones is for all others.
@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> c: array<vec4f>;

/// Four neighbours of a stored row of a. Beyond its columns, the values are arbitrary.
fn a_quad(run: Run, row: u32, column: u32) -> vec4f {
  let columns = select(run.K, run.M, TRANS_A);
  return a[(run.A_OFFSET + row * run.A_STRIDE + min(column, columns - 4)) / 4];
}

/// Four neighbours of a stored row of b. Beyond the matrix, the values are arbitrary.
fn b_quad(run: Run, row: u32, column: u32) -> vec4f {
  let rows = select(run.K, run.N, TRANS_B);
  let columns = select(run.N, run.K, TRANS_B);
  return b[(run.B_OFFSET + min(row, rows - 1) * run.B_STRIDE + min(column, columns - 4)) / 4];
}

/// Writes four neighbours of a stored row of c, if they exist.
fn write_quad(run: Run, row: u32, column: u32, values: vec4f) {
  let rows = select(run.M, run.N, TRANSPOSED);
  let columns = select(run.N, run.M, TRANSPOSED);
  if (row < rows && column < columns) {
    let at = (run.C_OFFSET + row * run.C_STRIDE + column) / 4;
    if (ACCUMULATE) {
      c[at] += values;
    } else {
      c[at] = values;
    }
  }
}
