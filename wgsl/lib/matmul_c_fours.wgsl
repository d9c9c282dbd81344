// The result of matmul_tile, if its rows begin and end at multiples of four. lib/matmul_c_ones is for all other rows.
@group(0) @binding(2) var<storage, read_write> c: array<vec4f>;

/// Four neighbours of an existing row. Beyond its end, the values are arbitrary.
fn load_c(row_at: u32, n: u32) -> vec4f {
  return c[(row_at + min(n, run.N - 4)) / 4];
}

fn store_c(row_at: u32, n: u32, numbers: vec4f) {
  if (n < run.N) {
    c[(row_at + n) / 4] = numbers;
  }
}
