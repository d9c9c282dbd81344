// c[m, n] = Σ_k a(m, k) · b(k, n), added to what c holds with ACCUMULATE: for GPUs.
//
//   0  a  [M, K], or [K, M] with TRANS_A  f32  read   rows A_STRIDE apart
//   1  b  [K, N], or [N, K] with TRANS_B  f32  read   rows B_STRIDE apart
//   2  c  [M, N]                          f32  write  rows C_STRIDE apart; with several slices [slices, M, N] for sum_partials
//   3  run  the block Run
//
// One workgroup a tile of 32·ROW_QUADS × 32·COLUMN_QUADS of c, 8×8 invocations with up to 8×8 sums in registers each (rows and columns 4·i
// and 32 + 4·i, so that neighbours read neighbouring banks). Tiles of a and b, DEPTH deep, go through workgroup memory; outside the
// matrices they are zero. The grid's z cuts k into slices of SLICE where c alone makes too few workgroups. The order of k is fixed.
// Bytes 4·(M·K·N/COLUMNS + K·N·M/ROWS + M·N), flops 2·M·N·K: bound by multiply-adds, at 64 × 64 64 for 4 loads of four.

override TRANS_A: bool;
override TRANS_B: bool;
override ACCUMULATE: bool;

override DEPTH: u32; // 8, 16 or 32
override ROW_QUADS: u32; // 1 or 2
override COLUMN_QUADS: u32;
override ROWS: u32 = 32 * ROW_QUADS;
override COLUMNS: u32 = 32 * COLUMN_QUADS;

// Sizes and places, in elements. They come with each launch, so one compilation serves every length and layout.
struct Run {
  M: u32,
  N: u32,
  K: u32,
  A_OFFSET: u32,
  A_STRIDE: u32,
  B_OFFSET: u32,
  B_STRIDE: u32,
  C_OFFSET: u32,
  C_STRIDE: u32,
  SLICE: u32, // a multiple of DEPTH
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(0) @binding(3) var<uniform> run: Run;

var<workgroup> a_tile: array<vec4f, DEPTH * ROWS / 4>;    // [k][m / 4], four rows of a
var<workgroup> b_tile: array<vec4f, DEPTH * COLUMNS / 4>; // [k][n / 4], four columns of b

fn a_at(m: u32, k: u32) -> f32 {
  if (m >= run.M || k >= run.K) {
    return 0.0;
  }
  return a[run.A_OFFSET + select(m * run.A_STRIDE + k, k * run.A_STRIDE + m, TRANS_A)];
}

fn b_at(k: u32, n: u32) -> f32 {
  if (n >= run.N || k >= run.K) {
    return 0.0;
  }
  return b[run.B_OFFSET + select(k * run.B_STRIDE + n, n * run.B_STRIDE + k, TRANS_B)];
}

/// DEPTH k of both tiles. Neighbouring invocations read neighbouring addresses, whichever way the matrices are stored.
fn stage(m0: u32, n0: u32, k0: u32, lane: u32) {
  for (var i = lane; i < DEPTH * ROWS; i += 64) {
    let m = select(i / DEPTH, i % ROWS, TRANS_A);
    let k = select(i % DEPTH, i / ROWS, TRANS_A);
    a_tile[(k * ROWS + m) / 4][m % 4] = a_at(m0 + m, k0 + k);
  }
  for (var i = lane; i < DEPTH * COLUMNS; i += 64) {
    let n = select(i % COLUMNS, i / DEPTH, TRANS_B);
    let k = select(i / COLUMNS, i % DEPTH, TRANS_B);
    b_tile[(k * COLUMNS + n) / 4][n % 4] = b_at(k0 + k, n0 + n);
  }
}

/// sums + a bᵀ for four rows and four columns.
fn add(sums: mat4x4f, a_k: vec4f, b_k: vec4f) -> mat4x4f {
  return mat4x4f(
    fma(vec4f(a_k.x), b_k, sums[0]),
    fma(vec4f(a_k.y), b_k, sums[1]),
    fma(vec4f(a_k.z), b_k, sums[2]),
    fma(vec4f(a_k.w), b_k, sums[3]),
  );
}

fn write(start: u32, m: u32, n: u32, sums: mat4x4f) {
  var copy = sums;
  for (var i = 0u; i < 16; i++) {
    if (m + i / 4 < run.M && n + i % 4 < run.N) {
      let at = start + (m + i / 4) * run.C_STRIDE + n + i % 4;
      var value = copy[i / 4][i % 4];
      if (ACCUMULATE) {
        value += c[at];
      }
      c[at] = value;
    }
  }
}

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) lane: u32) {
  let m0 = group.y * ROWS;
  let n0 = group.x * COLUMNS;
  let end = min((group.z + 1) * run.SLICE, run.K);
  var s00: mat4x4f; // rows above, columns left
  var s01: mat4x4f;
  var s10: mat4x4f;
  var s11: mat4x4f;
  for (var k0 = group.z * run.SLICE; k0 < end; k0 += DEPTH) {
    stage(m0, n0, k0, lane);
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k++) {
      let above = a_tile[k * ROWS / 4 + local.y];
      let left = b_tile[k * COLUMNS / 4 + local.x];
      s00 = add(s00, above, left);
      if (COLUMN_QUADS == 2) {
        s01 = add(s01, above, b_tile[k * COLUMNS / 4 + 8 + local.x]);
      }
      if (ROW_QUADS == 2) {
        let below = a_tile[k * ROWS / 4 + 8 + local.y];
        s10 = add(s10, below, left);
        if (COLUMN_QUADS == 2) {
          s11 = add(s11, below, b_tile[k * COLUMNS / 4 + 8 + local.x]);
        }
      }
    }
    workgroupBarrier();
  }
  let start = run.C_OFFSET + group.z * run.M * run.N;
  let m = m0 + local.y * 4;
  let n = n0 + local.x * 4;
  write(start, m, n, s00);
  if (COLUMN_QUADS == 2) {
    write(start, m, n + 32, s01);
  }
  if (ROW_QUADS == 2) {
    write(start, m + 32, n, s10);
    if (COLUMN_QUADS == 2) {
      write(start, m + 32, n + 32, s11);
    }
  }
}
