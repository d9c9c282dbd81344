// Operand a of matmul_subgroup_matrix stored [M, K], where its rows begin and end at multiples of four: loads of 128 bits. lib/matrix_a_ones is for
// all others.
@group(0) @binding(0) var<storage, read> a: array<vec4f>;

/// Four neighbouring k of one m; zeros outside of the matrix.
fn a_four(m: u32, k: u32) -> vec4f {
  let at = min(m, run.M - 1) * run.A_STRIDE + min(k, run.K - 4);
  return select(vec4f(), a[(run.A_OFFSET + at) / 4], m < run.M && k < run.K);
}
