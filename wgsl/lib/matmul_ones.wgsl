// The matrices of matmul_subgroup with rows of any offset and length. lib/matmul_fours is for multiples of four.
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;

/// Four neighbours of a stored row of a; zeros beyond its columns.
fn a_quad(run: Run, row: u32, column: u32) -> vec4f {
  let start = run.A_OFFSET + row * run.A_STRIDE;
  let columns = select(run.K, run.M, TRANS_A);
  let at = column + vec4u(0, 1, 2, 3);
  let near = start + min(at, vec4u(columns - 1));
  return select(vec4f(), vec4f(a[near.x], a[near.y], a[near.z], a[near.w]), at < vec4u(columns));
}

/// Four neighbours of a stored row of b. Beyond the matrix, the values are arbitrary.
fn b_quad(run: Run, row: u32, column: u32) -> vec4f {
  let start = run.B_OFFSET + min(row, select(run.K, run.N, TRANS_B) - 1) * run.B_STRIDE;
  let at = start + min(column + vec4u(0, 1, 2, 3), vec4u(select(run.N, run.K, TRANS_B) - 1));
  return vec4f(b[at.x], b[at.y], b[at.z], b[at.w]);
}

/// Writes four neighbours of a stored row of c, as far as they exist.
fn write_quad(run: Run, row: u32, column: u32, values: vec4f) {
  let rows = select(run.M, run.N, TRANSPOSED);
  let columns = select(run.N, run.M, TRANSPOSED);
  var copy = values;
  for (var i = 0u; i < 4; i++) {
    if (row < rows && column + i < columns) {
      let at = run.C_OFFSET + row * run.C_STRIDE + column + i;
      if (ACCUMULATE) {
        c[at] += copy[i];
      } else {
        c[at] = copy[i];
      }
    }
  }
}
