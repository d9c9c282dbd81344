// The result of matmul_tile where its rows begin and end anywhere. lib/matmul_c_fours is for rows of whole fours.
@group(0) @binding(2) var<storage, read_write> c: array<f32>;

/// Four neighbours of a row that is there; beyond its end the last of it.
fn load_c(row_at: u32, n: u32) -> vec4f {
  let at = row_at + min(n + vec4u(0, 1, 2, 3), vec4u(run.N - 1));
  return vec4f(c[at.x], c[at.y], c[at.z], c[at.w]);
}

fn store_c(row_at: u32, n: u32, numbers: vec4f) {
  for (var j = 0u; j < 4; j++) {
    if (n + j < run.N) {
      c[row_at + n + j] = numbers[j];
    }
  }
}
