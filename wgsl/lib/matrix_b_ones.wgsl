// Operand b of matmul_subgroup_matrix where k lies across its rows, or where rows begin and end anywhere: loads of 32 bits.
// lib/matrix_b_fours is for rows of whole fours along k.
@group(0) @binding(1) var<storage, read> b: array<f32>;

/// Four neighbouring k of one n; zeros outside of the matrix.
fn b_four(n: u32, k: u32) -> vec4f {
  let line = min(n, run.N - 1);
  var numbers: vec4f;
  for (var j = 0u; j < 4; j++) {
    let at = min(k + j, run.K - 1);
    numbers[j] = b[run.B_OFFSET + select(line * run.B_STRIDE + at, at * run.B_STRIDE + line, !TRANS_B)];
  }
  return select(vec4f(), numbers, k + vec4u(0, 1, 2, 3) < select(vec4u(), vec4u(run.K), n < run.N));
}
