// c[m, n] = Σ_k a(m, k) · b(k, n), added to what c holds with ACCUMULATE.
//
//   0  a  [M, K], or [K, M] with TRANS_A  f32  read   rows A_STRIDE apart
//   1  b  [K, N], or [N, K] with TRANS_B  f32  read   rows B_STRIDE apart
//   2  c  [M, N]                          f32  write  rows C_STRIDE apart
//
// One workgroup a 64×64 tile of c, 8×8 invocations with 8×8 sums in registers each. Tiles of a and b, 16 deep, go through
// workgroup memory; outside the matrices they are zero. The order of k is fixed.
// Bytes 4·(M·K·N/64 + K·N·M/64 + M·N), flops 2·M·N·K: bound by multiply-adds.

override M: u32;
override N: u32;
override K: u32;
override TRANS_A: bool;
override TRANS_B: bool;
override ACCUMULATE: bool;
override A_OFFSET: u32 = 0;
override A_STRIDE: u32;
override B_OFFSET: u32 = 0;
override B_STRIDE: u32;
override C_OFFSET: u32 = 0;
override C_STRIDE: u32;

const DEPTH = 16u;
const TILE = 64u;
const EACH = 8u;

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;

var<workgroup> a_tile: array<f32, DEPTH * TILE>; // [k][m]
var<workgroup> b_tile: array<f32, DEPTH * TILE>; // [k][n]

fn a_at(m: u32, k: u32) -> f32 {
  if (m >= M || k >= K) {
    return 0.0;
  }
  return a[A_OFFSET + select(m * A_STRIDE + k, k * A_STRIDE + m, TRANS_A)];
}

fn b_at(k: u32, n: u32) -> f32 {
  if (n >= N || k >= K) {
    return 0.0;
  }
  return b[B_OFFSET + select(k * B_STRIDE + n, n * B_STRIDE + k, TRANS_B)];
}

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) lane: u32) {
  let m0 = group.y * TILE;
  let n0 = group.x * TILE;
  var sums: array<f32, EACH * EACH>;
  for (var k0 = 0u; k0 < K; k0 += DEPTH) {
    for (var i = lane; i < DEPTH * TILE; i += 64) {
      // Neighbouring invocations read neighbouring addresses, whichever way the matrix is stored.
      let am = select(i / DEPTH, i % TILE, TRANS_A);
      let ak = select(i % DEPTH, i / TILE, TRANS_A);
      a_tile[ak * TILE + am] = a_at(m0 + am, k0 + ak);
      let bn = select(i % TILE, i / DEPTH, TRANS_B);
      let bk = select(i / TILE, i % DEPTH, TRANS_B);
      b_tile[bk * TILE + bn] = b_at(k0 + bk, n0 + bn);
    }
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k++) {
      var as_: array<f32, EACH>;
      for (var i = 0u; i < EACH; i++) {
        as_[i] = a_tile[k * TILE + local.y * EACH + i];
      }
      for (var j = 0u; j < EACH; j++) {
        let bv = b_tile[k * TILE + local.x + j * 8];
        for (var i = 0u; i < EACH; i++) {
          sums[i * EACH + j] = fma(as_[i], bv, sums[i * EACH + j]);
        }
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < EACH; i++) {
    let m = m0 + local.y * EACH + i;
    for (var j = 0u; j < EACH; j++) {
      let n = n0 + local.x + j * 8;
      if (m < M && n < N) {
        let at = C_OFFSET + m * C_STRIDE + n;
        var value = sums[i * EACH + j];
        if (ACCUMULATE) {
          value += c[at];
        }
        c[at] = value;
      }
    }
  }
}
