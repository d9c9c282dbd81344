// Operand a of matmul_subgroup_matrix where k lies across its rows, or where rows begin and end anywhere: loads of 32 bits.
// lib/matrix_a_fours is for rows of whole fours along k.
@group(0) @binding(0) var<storage, read> a: array<f32>;

/// Four neighbouring k of one m; zeros outside of the matrix.
fn a_four(m: u32, k: u32) -> vec4f {
  let line = min(m, run.M - 1);
  var numbers: vec4f;
  for (var j = 0u; j < 4; j++) {
    let at = min(k + j, run.K - 1);
    numbers[j] = a[run.A_OFFSET + select(line * run.A_STRIDE + at, at * run.A_STRIDE + line, TRANS_A)];
  }
  return select(vec4f(), numbers, k + vec4u(0, 1, 2, 3) < select(vec4u(), vec4u(run.K), m < run.M));
}
