// The result of matmul_tile with rows of any offset and length. lib/matmul_c_fours is for multiples of four.
@group(0) @binding(2) var<storage, read_write> c: array<f32>;

/// Four neighbours of an existing row. Beyond its end, its last number is repeated.
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
