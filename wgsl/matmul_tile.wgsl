// c[m, n] = Σ_k a(m, k) · b(k, n), added to c with ACCUMULATE. For GPUs.
//
//   0  a  [M, K], or [K, M] with TRANS_A  f32  read   rows A_STRIDE apart
//   1  b  [K, N], or [N, K] with TRANS_B  f32  read   rows B_STRIDE apart
//   2  c  [M, N]                          f32  write  rows C_STRIDE apart; with several slices [slices, M, N] for sum_partials
//   3  run  the block Run
//
// One workgroup computes a tile of ROWS × COLUMNS of c with ACROSS × DOWN invocations. Each has ROW_QUADS × COLUMN_QUADS blocks of 4 × 4 sums in
// registers, 4·DOWN rows and 4·ACROSS columns apart, so that neighbours read neighbouring banks. Tiles of a and b with DEPTH k each are staged in
// workgroup memory. The loads of the next tile are issued before the current tile is multiplied and used after it. Outside of the matrices tiles have
// zeros (along k) or repeat the last rows or columns, whose sums are not written.
// Split-K: if c has too few tiles, the z of the grid splits k into slices of SLICE. The order of k is fixed.
// Bytes 4·(M·K·N/COLUMNS + K·N·M/ROWS + M·N), flops 2·M·N·K: bound by multiply-adds: 8 × 8 sums need 64 of them for 4 loads of a vec4.
//
// Inserted before this file: ACROSS, DOWN, ROW_QUADS, COLUMN_QUADS, DEPTH; lib/matmul_tile_f32 or _f16 (the tiles in workgroup memory);
// lib/matmul_a_fours or _ones, lib/matmul_b_fours or _ones, lib/matmul_c_fours or _ones (how rows are loaded and stored).

override TRANS_A: bool;
override TRANS_B: bool;
override ACCUMULATE: bool;

const LANES = ACROSS * DOWN;
const ROWS = 4 * ROW_QUADS * DOWN;
const COLUMNS = 4 * COLUMN_QUADS * ACROSS;
// Number of vec4s of a tile that each invocation loads.
const A_EACH = ROWS * DEPTH / 4 / LANES;
const B_EACH = COLUMNS * DEPTH / 4 / LANES;
// Distance from one k to the next in quads. It is one more than the number of quads, so that four k of one row are in different banks.
const A_PITCH = ROWS / 4 + 1;
const B_PITCH = COLUMNS / 4 + 1;

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

@group(0) @binding(3) var<uniform> run: Run;

var<workgroup> a_tile: array<Quad, DEPTH * A_PITCH>; // [k][m / 4], four rows of a
var<workgroup> b_tile: array<Quad, DEPTH * B_PITCH>; // [k][n / 4], four columns of b

/// The k and the first row or column of a vec4 of a tile. If k is contiguous in memory, neighbouring invocations have neighbouring k. Each stores a
/// whole vector, because a store to one component may write the whole vector and overwrite the result of another invocation.
fn quad_place(unit: u32, lines: u32, along_k: bool) -> vec2u {
  return select(vec2u(unit / (lines / 4), unit % (lines / 4) * 4), vec2u(unit % DEPTH, unit / DEPTH * 4), along_k);
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

/// A block of four rows and four columns. All loads are issued before the first sum is stored.
fn write(start: u32, m: u32, n: u32, sums: mat4x4f) {
  var total = sums;
  if (ACCUMULATE) {
    for (var r = 0u; r < 4; r++) {
      total[r] += load_c(start + min(m + r, run.M - 1) * run.C_STRIDE, n);
    }
  }
  for (var r = 0u; r < 4; r++) {
    if (m + r < run.M) {
      store_c(start + (m + r) * run.C_STRIDE, n, total[r]);
    }
  }
}

@compute @workgroup_size(ACROSS, DOWN)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) lane: u32) {
  let m0 = group.y * ROWS;
  let n0 = group.x * COLUMNS;
  let end = min((group.z + 1) * run.SLICE, run.K);
  var k0 = group.z * run.SLICE;
  var a_next: array<vec4f, A_EACH>;
  var b_next: array<vec4f, B_EACH>;
  for (var e = 0u; e < A_EACH; e++) {
    a_next[e] = load_a(lane + LANES * e, m0, k0);
  }
  for (var e = 0u; e < B_EACH; e++) {
    b_next[e] = load_b(lane + LANES * e, n0, k0);
  }
  var sums: array<array<mat4x4f, COLUMN_QUADS>, ROW_QUADS>;
  loop {
    for (var e = 0u; e < A_EACH; e++) {
      keep_a(lane + LANES * e, a_next[e]);
    }
    for (var e = 0u; e < B_EACH; e++) {
      keep_b(lane + LANES * e, b_next[e]);
    }
    workgroupBarrier();
    k0 += DEPTH;
    if (k0 < end) {
      for (var e = 0u; e < A_EACH; e++) {
        a_next[e] = load_a(lane + LANES * e, m0, k0);
      }
      for (var e = 0u; e < B_EACH; e++) {
        b_next[e] = load_b(lane + LANES * e, n0, k0);
      }
    }
    for (var k = 0u; k < DEPTH; k++) {
      var left: array<vec4f, COLUMN_QUADS>;
      for (var j = 0u; j < COLUMN_QUADS; j++) {
        left[j] = read4(b_tile[k * B_PITCH + ACROSS * j + local.x]);
      }
      for (var i = 0u; i < ROW_QUADS; i++) {
        let above = read4(a_tile[k * A_PITCH + DOWN * i + local.y]);
        for (var j = 0u; j < COLUMN_QUADS; j++) {
          sums[i][j] = add(sums[i][j], above, left[j]);
        }
      }
    }
    workgroupBarrier();
    continuing {
      break if k0 >= end;
    }
  }
  let start = run.C_OFFSET + group.z * run.M * run.N;
  for (var i = 0u; i < ROW_QUADS; i++) {
    for (var j = 0u; j < COLUMN_QUADS; j++) {
      write(start, m0 + 4 * (DOWN * i + local.y), n0 + 4 * (ACROSS * j + local.x), sums[i][j]);
    }
  }
}
