enable subgroups;

// c[m, n] = Σ_k a(m, k) · b(k, n), added to c with ACCUMULATE. For software adapters, where a load costs more than a multiplication and workgroup
// memory is ordinary memory.
//
//   0  a  [M, K], or [K, M] with TRANS_A  f32  read   rows A_STRIDE apart
//   1  b  [K, N], or [N, K] with TRANS_B  f32  read   rows B_STRIDE apart
//   2  c  [M, N], or [N, M] with TRANSPOSED   f32  write  rows C_STRIDE apart
//   3  run  the block Run
//
// One workgroup is one subgroup of LANES (4, 8 or 16) invocations. It computes 4·ROW_QUADS rows × 4·LANES columns of c: a lane holds four columns of
// all rows in registers. For each four k, the lanes load vec4s of a and exchange them by broadcasts; of b a lane loads only its own columns. The
// order of k is fixed. More than four k at a time would exceed the processor's instruction cache: a load from a buffer takes 30 instructions for each
// lane. Consecutive workgroups have the same columns of b.
// Bytes 4·(M·K·N/(4·LANES) + K·N·M/(4·ROW_QUADS) + M·N), flops 2·M·N·K: bound by loads.
//
// Inserted before this file: LANES, lib/matmul_fours or lib/matmul_ones (a_quad, b_quad, write_quad).

override TRANS_A: bool;
override TRANS_B: bool;
override ACCUMULATE: bool;
override TRANSPOSED: bool;
override ROW_QUADS: u32; // 1 to 6

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

@group(0) @binding(3) var<uniform> run: Run;

/// This lane's part of a(m, k) to a(m + LANES − 1, k + 3): one row with four k; with TRANS_A four rows with one k. Zero for k beyond K.
fn a_share(run: Run, m: u32, k: u32, lane: u32) -> vec4f {
  if (TRANS_A) {
    let row = k + lane % 4;
    return select(vec4f(), a_quad(run, min(row, run.K - 1), m + lane / 4 * 4), row < run.K);
  }
  return a_quad(run, min(m + lane, run.M - 1), k);
}

/// Four rows with four k, from the parts of four neighbouring lanes. The lane of a broadcast has to be a constant.
fn a_rows(share: vec4f, quad: u32) -> mat4x4f {
  let of_share = quad % (LANES / 4);
  var four: mat4x4f;
  if (of_share == 0) {
    four = mat4x4f(subgroupBroadcast(share, 0), subgroupBroadcast(share, 1), subgroupBroadcast(share, 2), subgroupBroadcast(share, 3));
  } else if (of_share == 1) {
    four = mat4x4f(subgroupBroadcast(share, 4), subgroupBroadcast(share, 5), subgroupBroadcast(share, 6), subgroupBroadcast(share, 7));
  } else if (of_share == 2) {
    four = mat4x4f(subgroupBroadcast(share, 8), subgroupBroadcast(share, 9), subgroupBroadcast(share, 10), subgroupBroadcast(share, 11));
  } else {
    four = mat4x4f(subgroupBroadcast(share, 12), subgroupBroadcast(share, 13), subgroupBroadcast(share, 14), subgroupBroadcast(share, 15));
  }
  if (TRANS_A) {
    return transpose(four);
  }
  return four;
}

/// b(k + i, n to n + 3) as row i. Beyond the matrix its edge is repeated (b_quad): there a is zero or c is not written.
fn b_rows(run: Run, k: u32, n: u32) -> mat4x4f {
  if (TRANS_B) {
    return transpose(mat4x4f(b_quad(run, n, k), b_quad(run, n + 1, k), b_quad(run, n + 2, k), b_quad(run, n + 3, k)));
  }
  return mat4x4f(b_quad(run, k, n), b_quad(run, k + 1, n), b_quad(run, k + 2, n), b_quad(run, k + 3, n));
}

/// sum + Σ_k a · b of one row, k in order.
fn add_row(sum: vec4f, a: vec4f, b: mat4x4f) -> vec4f {
  return fma(vec4f(a.w), b[3], fma(vec4f(a.z), b[2], fma(vec4f(a.y), b[1], fma(vec4f(a.x), b[0], sum))));
}

/// sums + a b. With matrices instead of arrays, because software adapters keep arrays in memory.
fn add(sums: mat4x4f, a: mat4x4f, b: mat4x4f) -> mat4x4f {
  return mat4x4f(add_row(sums[0], a[0], b), add_row(sums[1], a[1], b), add_row(sums[2], a[2], b), add_row(sums[3], a[3], b));
}

fn write(run: Run, m: u32, n: u32, sums: mat4x4f) {
  if (TRANSPOSED) {
    let columns = transpose(sums);
    write_quad(run, n, m, columns[0]);
    write_quad(run, n + 1, m, columns[1]);
    write_quad(run, n + 2, m, columns[2]);
    write_quad(run, n + 3, m, columns[3]);
  } else {
    write_quad(run, m, n, sums[0]);
    write_quad(run, m + 1, n, sums[1]);
    write_quad(run, m + 2, n, sums[2]);
    write_quad(run, m + 3, n, sums[3]);
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
  var s3: mat4x4f;
  var s4: mat4x4f;
  var s5: mat4x4f;
  // The exit test is at the end of all hot loops here: with a test at the start, lavapipe runs one more round with all lanes inactive.
  var k = 0u;
  loop {
    let b = b_rows(run, k, n);
    var share = a_share(run, m, k, lane);
    s0 = add(s0, a_rows(share, 0), b);
    if (ROW_QUADS > 1) {
      if (LANES == 4) {
        share = a_share(run, m + 4, k, lane);
      }
      s1 = add(s1, a_rows(share, 1), b);
    }
    if (ROW_QUADS > 2) {
      if (LANES <= 8) {
        share = a_share(run, m + 8, k, lane);
      }
      s2 = add(s2, a_rows(share, 2), b);
    }
    if (ROW_QUADS > 3) {
      if (LANES == 4) {
        share = a_share(run, m + 12, k, lane);
      }
      s3 = add(s3, a_rows(share, 3), b);
    }
    if (ROW_QUADS > 4) {
      share = a_share(run, m + 16, k, lane);
      s4 = add(s4, a_rows(share, 4), b);
    }
    if (ROW_QUADS > 5) {
      if (LANES == 4) {
        share = a_share(run, m + 20, k, lane);
      }
      s5 = add(s5, a_rows(share, 5), b);
    }
    continuing {
      k += 4;
      break if k >= run.K;
    }
  }
  write(run, m, n, s0);
  if (ROW_QUADS > 1) {
    write(run, m + 4, n, s1);
  }
  if (ROW_QUADS > 2) {
    write(run, m + 8, n, s2);
  }
  if (ROW_QUADS > 3) {
    write(run, m + 12, n, s3);
  }
  if (ROW_QUADS > 4) {
    write(run, m + 16, n, s4);
  }
  if (ROW_QUADS > 5) {
    write(run, m + 20, n, s5);
  }
}
