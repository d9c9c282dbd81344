enable subgroups;
enable subgroup_size_control;
enable chromium_experimental_subgroup_matrix;

// c[m, n] = Σ_k a(m, k) · b(k, n), added to what c holds with ACCUMULATE: for GPUs whose subgroups multiply small matrices in one
// instruction (tensor cores).
//
//   0  a  [M, K], or [K, M] with TRANS_A  f32  read   rows A_STRIDE apart
//   1  b  [K, N], or [N, K] with TRANS_B  f32  read   rows B_STRIDE apart
//   2  c  [M, N]                          f32  write  rows C_STRIDE apart; with several slices [slices, M, N] for sum_partials
//   3  run  the block Run
//
// An instruction multiplies MATRIX_M × MATRIX_K by MATRIX_K × MATRIX_N numbers of type Component and adds the product to f32 sums. One
// workgroup makes a tile of ROWS × COLUMNS of c with DOWN × ACROSS subgroups of LANES. Each has HIGH × WIDE matrices of sums in registers.
// Tiles of a and b, DEPTH deep, go through workgroup memory, with k along their lines (the order in which AMD loads matrices fastest) and
// zeros outside of a and b. The loads of the next tile are issued before this one is multiplied. Sums leave through workgroup memory too,
// one matrix a subgroup at a time, because c may end inside of a matrix.
// The z of the grid cuts k into slices of SLICE where c alone makes too few workgroups. The order of k inside an instruction is the GPU's.
// Bytes 4·(M·K·N/COLUMNS + K·N·M/ROWS + M·N), flops 2·M·N·K: bound by loads.
//
// Inserted before this file: MATRIX_M, MATRIX_N, MATRIX_K, LANES, DOWN, ACROSS, HIGH, WIDE, DEPTH; lib/matmul_tile_f16 or _f32 (Component, what
// is kept in workgroup memory); lib/matrix_a_fours or _ones, lib/matrix_b_fours or _ones, lib/matmul_c_fours or _ones (how rows are loaded and
// stored).

override TRANS_A: bool;
override TRANS_B: bool;
override ACCUMULATE: bool;

const SUBGROUPS = DOWN * ACROSS;
const INVOCATIONS = SUBGROUPS * LANES;
const ROWS = DOWN * HIGH * MATRIX_M;
const COLUMNS = ACROSS * WIDE * MATRIX_N;
// Fours of a tile that each invocation loads, and fours of one matrix of sums.
const A_EACH = ROWS * DEPTH / 4 / INVOCATIONS;
const B_EACH = COLUMNS * DEPTH / 4 / INVOCATIONS;
const SUMS = MATRIX_M * MATRIX_N / 4;
// Fours from one line of a tile to the next: two more than there are, so that lines begin in different banks, and at multiples of 16 bytes.
const PITCH = DEPTH / 4 + 2;

alias Left = subgroup_matrix_left<Component, MATRIX_K, MATRIX_M>;
alias Right = subgroup_matrix_right<Component, MATRIX_N, MATRIX_K>;
alias Sums = subgroup_matrix_result<f32, MATRIX_N, MATRIX_M>;

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

var<workgroup> a_tile: array<Quad, ROWS * PITCH>; // [m][k]
var<workgroup> b_tile: array<Quad, COLUMNS * PITCH>; // [n][k]
var<workgroup> leaving: array<vec4f, SUBGROUPS * SUMS>; // a matrix of sums of each subgroup

/// The line of a tile, a row of a or a column of b, and the k of the first of four numbers. Neighbouring invocations load neighbours in memory.
fn place_of(unit: u32, lines: u32, along_k: bool) -> vec2u {
  return select(vec2u(unit % lines, unit / lines * 4), vec2u(unit / (DEPTH / 4), unit % (DEPTH / 4) * 4), along_k);
}

fn load_a(unit: u32, m0: u32, k0: u32) -> vec4f {
  let place = place_of(unit, ROWS, !TRANS_A);
  return a_four(m0 + place.x, k0 + place.y);
}

fn load_b(unit: u32, n0: u32, k0: u32) -> vec4f {
  let place = place_of(unit, COLUMNS, TRANS_B);
  return b_four(n0 + place.x, k0 + place.y);
}

fn keep_a(unit: u32, numbers: vec4f) {
  let place = place_of(unit, ROWS, !TRANS_A);
  a_tile[place.x * PITCH + place.y / 4] = kept4(numbers);
}

fn keep_b(unit: u32, numbers: vec4f) {
  let place = place_of(unit, COLUMNS, TRANS_B);
  b_tile[place.x * PITCH + place.y / 4] = kept4(numbers);
}

/// Writes four of the sums that are leaving: matrix i, j of the subgroup that unit belongs to.
fn write(unit: u32, i: u32, j: u32, group: vec3u) {
  let subgroup = unit / SUMS;
  let place = unit % SUMS;
  let m = group.y * ROWS + (subgroup / ACROSS * HIGH + i) * MATRIX_M + place / (MATRIX_N / 4);
  let n = group.x * COLUMNS + (subgroup % ACROSS * WIDE + j) * MATRIX_N + place % (MATRIX_N / 4) * 4;
  if (m >= run.M) {
    return;
  }
  let row_at = run.C_OFFSET + group.z * run.M * run.N + m * run.C_STRIDE;
  var total = leaving[unit];
  if (ACCUMULATE) {
    total += load_c(row_at, n);
  }
  store_c(row_at, n, total);
}

@compute @workgroup_size(INVOCATIONS) @subgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(subgroup_id) subgroup: u32) {
  let m0 = group.y * ROWS;
  let n0 = group.x * COLUMNS;
  let own_m = subgroup / ACROSS * HIGH * MATRIX_M;
  let own_n = subgroup % ACROSS * WIDE * MATRIX_N;
  let end = min((group.z + 1) * run.SLICE, run.K);
  var k0 = group.z * run.SLICE;
  var a_next: array<vec4f, A_EACH>;
  var b_next: array<vec4f, B_EACH>;
  for (var e = 0u; e < A_EACH; e++) {
    a_next[e] = load_a(lane + INVOCATIONS * e, m0, k0);
  }
  for (var e = 0u; e < B_EACH; e++) {
    b_next[e] = load_b(lane + INVOCATIONS * e, n0, k0);
  }
  var sums: array<array<Sums, WIDE>, HIGH>;
  loop {
    for (var e = 0u; e < A_EACH; e++) {
      keep_a(lane + INVOCATIONS * e, a_next[e]);
    }
    for (var e = 0u; e < B_EACH; e++) {
      keep_b(lane + INVOCATIONS * e, b_next[e]);
    }
    workgroupBarrier();
    k0 += DEPTH;
    if (k0 < end) {
      for (var e = 0u; e < A_EACH; e++) {
        a_next[e] = load_a(lane + INVOCATIONS * e, m0, k0);
      }
      for (var e = 0u; e < B_EACH; e++) {
        b_next[e] = load_b(lane + INVOCATIONS * e, n0, k0);
      }
    }
    for (var k = 0u; k < DEPTH; k += MATRIX_K) {
      var right: array<Right, WIDE>;
      for (var j = 0u; j < WIDE; j++) {
        right[j] = subgroupMatrixLoad<Right, col_major>(&b_tile, (own_n + j * MATRIX_N) * PITCH + k / 4, PITCH);
      }
      for (var i = 0u; i < HIGH; i++) {
        let left = subgroupMatrixLoad<Left, row_major>(&a_tile, (own_m + i * MATRIX_M) * PITCH + k / 4, PITCH);
        for (var j = 0u; j < WIDE; j++) {
          sums[i][j] = subgroupMatrixMultiplyAccumulate(left, right[j], sums[i][j]);
        }
      }
    }
    workgroupBarrier();
    continuing {
      break if k0 >= end;
    }
  }
  for (var i = 0u; i < HIGH; i++) {
    for (var j = 0u; j < WIDE; j++) {
      subgroupMatrixStore<row_major>(&leaving, subgroup * SUMS, sums[i][j], MATRIX_N / 4);
      workgroupBarrier();
      for (var unit = lane; unit < SUBGROUPS * SUMS; unit += INVOCATIONS) {
        write(unit, i, j, group);
      }
      workgroupBarrier();
    }
  }
}
