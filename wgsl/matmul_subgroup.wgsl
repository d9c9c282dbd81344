enable subgroups;

// c[m, n] = Σ_k a(m, k) · b(k, n), added to what c holds with ACCUMULATE: for software adapters, where a load costs more than
// a multiplication and workgroup memory is memory like any other.
//
//   0  a  [M, K], or [K, M] with TRANS_A  f32  read   rows A_STRIDE apart
//   1  b  [K, N], or [N, K] with TRANS_B  f32  read   rows B_STRIDE apart (lib/matmul_b_vec4 or lib/matmul_b_scalar)
//   2  c  [M, N], or [N, M] with TURNED   f32  write  rows C_STRIDE apart
//   3  run  the block Run
//
// One workgroup is one subgroup of LANES (4, 8 or 16) invocations. It makes 4·ROW_QUADS rows × 4·LANES columns of c: a lane
// holds four columns of all rows in registers. Along k, DEPTH at a time, each lane loads one number of each row of a, and the
// subgroup hands them around; of b a lane loads only its own columns. The order of k is fixed. Workgroups that follow one another share
// their columns of b. Bytes 4·(M·K·N/(4·LANES) + K·N·M/(4·ROW_QUADS) + M·N), flops 2·M·N·K: bound by loads.

override TRANS_A: bool;
override TRANS_B: bool;
override ACCUMULATE: bool;
override TURNED: bool;
override LANES: u32;
override ROW_QUADS: u32; // 1 to 3
override DEPTH: u32 = min(LANES, 8);

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
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(0) @binding(3) var<uniform> run: Run;

fn a_at(run: Run, m: u32, k: u32) -> f32 {
  let row = min(m, run.M - 1);
  return a[run.A_OFFSET + select(row * run.A_STRIDE + k, k * run.A_STRIDE + row, TRANS_A)];
}

/// a(m, k) to a(m + 3, k); rows beyond M repeat the last and are not written, k beyond K gives zero.
fn a_quad(run: Run, m: u32, k: u32) -> vec4f {
  if (k >= run.K) {
    return vec4f(0.0);
  }
  return vec4f(a_at(run, m, k), a_at(run, m + 1, k), a_at(run, m + 2, k), a_at(run, m + 3, k));
}

/// b(k + i, n to n + 3) as row i. What lies beyond the matrix repeats its edge (b_quad): a is zero there, or c is not written.
fn b_rows(run: Run, k: u32, n: u32) -> mat4x4f {
  if (TRANS_B) {
    return transpose(mat4x4f(b_quad(run, n, k), b_quad(run, n + 1, k), b_quad(run, n + 2, k), b_quad(run, n + 3, k)));
  }
  return mat4x4f(b_quad(run, k, n), b_quad(run, k + 1, n), b_quad(run, k + 2, n), b_quad(run, k + 3, n));
}

/// sums + a bᵀ. Matrices and not arrays, because a software adapter keeps arrays in memory.
fn add(sums: mat4x4f, a_k: vec4f, b_k: vec4f) -> mat4x4f {
  return mat4x4f(
    fma(vec4f(a_k.x), b_k, sums[0]),
    fma(vec4f(a_k.y), b_k, sums[1]),
    fma(vec4f(a_k.z), b_k, sums[2]),
    fma(vec4f(a_k.w), b_k, sums[3]),
  );
}

fn write(run: Run, m: u32, n: u32, value: f32) {
  if (m < run.M && n < run.N) {
    let at = run.C_OFFSET + select(m * run.C_STRIDE + n, n * run.C_STRIDE + m, TURNED);
    if (ACCUMULATE) {
      c[at] += value;
    } else {
      c[at] = value;
    }
  }
}

fn write_rows(run: Run, m: u32, n: u32, rows: mat4x4f) {
  var copy = rows;
  for (var i = 0u; i < 16; i++) {
    write(run, m + i / 4, n + i % 4, copy[i / 4][i % 4]);
  }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let run = run; // read once: not every compiler does that by itself
  let m = group.x * 4 * ROW_QUADS;
  let n = (group.y * LANES + lane) * 4;
  var s0: mat4x4f;
  var s1: mat4x4f;
  var s2: mat4x4f;
  for (var k = 0u; k < run.K; k += DEPTH) {
    let a_k = select(run.K, k + lane, lane < DEPTH);
    let a0 = a_quad(run, m, a_k);
    var a1: vec4f;
    var a2: vec4f;
    if (ROW_QUADS > 1) {
      a1 = a_quad(run, m + 4, a_k);
    }
    if (ROW_QUADS > 2) {
      a2 = a_quad(run, m + 8, a_k);
    }
    // The lane of a broadcast has to be written out.
    let near = b_rows(run, k, n);
    s0 = add(s0, subgroupBroadcast(a0, 0), near[0]);
    s0 = add(s0, subgroupBroadcast(a0, 1), near[1]);
    s0 = add(s0, subgroupBroadcast(a0, 2), near[2]);
    s0 = add(s0, subgroupBroadcast(a0, 3), near[3]);
    if (ROW_QUADS > 1) {
      s1 = add(s1, subgroupBroadcast(a1, 0), near[0]);
      s1 = add(s1, subgroupBroadcast(a1, 1), near[1]);
      s1 = add(s1, subgroupBroadcast(a1, 2), near[2]);
      s1 = add(s1, subgroupBroadcast(a1, 3), near[3]);
    }
    if (ROW_QUADS > 2) {
      s2 = add(s2, subgroupBroadcast(a2, 0), near[0]);
      s2 = add(s2, subgroupBroadcast(a2, 1), near[1]);
      s2 = add(s2, subgroupBroadcast(a2, 2), near[2]);
      s2 = add(s2, subgroupBroadcast(a2, 3), near[3]);
    }
    if (DEPTH == 8) {
      let far = b_rows(run, k + 4, n);
      s0 = add(s0, subgroupBroadcast(a0, 4), far[0]);
      s0 = add(s0, subgroupBroadcast(a0, 5), far[1]);
      s0 = add(s0, subgroupBroadcast(a0, 6), far[2]);
      s0 = add(s0, subgroupBroadcast(a0, 7), far[3]);
      if (ROW_QUADS > 1) {
        s1 = add(s1, subgroupBroadcast(a1, 4), far[0]);
        s1 = add(s1, subgroupBroadcast(a1, 5), far[1]);
        s1 = add(s1, subgroupBroadcast(a1, 6), far[2]);
        s1 = add(s1, subgroupBroadcast(a1, 7), far[3]);
      }
      if (ROW_QUADS > 2) {
        s2 = add(s2, subgroupBroadcast(a2, 4), far[0]);
        s2 = add(s2, subgroupBroadcast(a2, 5), far[1]);
        s2 = add(s2, subgroupBroadcast(a2, 6), far[2]);
        s2 = add(s2, subgroupBroadcast(a2, 7), far[3]);
      }
    }
  }
  write_rows(run, m, n, s0);
  if (ROW_QUADS > 1) {
    write_rows(run, m + 4, n, s1);
  }
  if (ROW_QUADS > 2) {
    write_rows(run, m + 8, n, s2);
  }
}
