// The result of matmul_tile where its rows begin and end at multiples of four. lib/matmul_c_ones is for all other rows.
@group(0) @binding(2) var<storage, read_write> c: array<vec4f>;

/// Four neighbours of a row that is there; beyond its end some others of it.
fn load_c(row_at: u32, n: u32) -> vec4f {
  return c[(row_at + min(n, run.N - 4)) / 4];
}

fn store_c(row_at: u32, n: u32, numbers: vec4f) {
  if (n < run.N) {
    c[(row_at + n) / 4] = numbers;
  }
}
