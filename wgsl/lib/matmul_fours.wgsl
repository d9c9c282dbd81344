// The matrices of matmul_subgroup where all row lengths, strides and offsets are multiples of 4. lib/matmul_ones is the same for all others.
@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> c: array<vec4f>;

/// Four neighbours of a row of a as it is stored; beyond its columns some others of it.
fn a_quad(run: Run, row: u32, column: u32) -> vec4f {
  let columns = select(run.K, run.M, TRANS_A);
  return a[(run.A_OFFSET + row * run.A_STRIDE + min(column, columns - 4)) / 4];
}

/// Four neighbours of a row of b as it is stored; beyond the matrix some others of it.
fn b_quad(run: Run, row: u32, column: u32) -> vec4f {
  let rows = select(run.K, run.N, TRANS_B);
  let columns = select(run.N, run.K, TRANS_B);
  return b[(run.B_OFFSET + min(row, rows - 1) * run.B_STRIDE + min(column, columns - 4)) / 4];
}

/// Writes four neighbours of a row of c as it is stored, if they are there.
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
