// Operand b of matmul_subgroup_matrix stored [N, K], where its rows begin and end at multiples of four: loads of 128 bits. lib/matrix_b_ones is for
// all others.
@group(0) @binding(1) var<storage, read> b: array<vec4f>;

/// Four neighbouring k of one n; zeros outside of the matrix.
fn b_four(n: u32, k: u32) -> vec4f {
  let at = min(n, run.N - 1) * run.B_STRIDE + min(k, run.K - 4);
  return select(vec4f(), b[(run.B_OFFSET + at) / 4], n < run.N && k < run.K);
}
