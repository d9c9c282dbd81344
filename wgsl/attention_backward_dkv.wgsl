// dv = Σ p · dO and dk = Σ ds · q over the queries that see a key and the heads that share it, with p = exp(q · k / √K − lse) and
// ds = p · (dO · v − delta) / √K: the half of the backward pass that goes by keys. Added to what dk and dv hold with ACCUMULATE.
// Query t sees key s when s ≤ t and (WINDOW = 0 or t − s < WINDOW or s < META). Query head h uses key head h / (H / G).
//
//   0  qBTHK     [B, T, H, K]  f32  read   rows of H·K, Q_STRIDE apart
//   1  kBTGK     [B, T, G, K]  f32  read   rows of G·K, K_STRIDE apart
//   2  vBTGV     [B, T, G, V]  f32  read   rows of G·V, V_STRIDE apart
//   3  dOBTHV    [B, T, H, V]  f32  read   rows of H·V, DO_STRIDE apart
//   4  lseBTH    [B, T, H]     f32  read   from the forward pass
//   5  deltaBTH  [B, T, H]     f32  read   Σ dO · o of the row
//   6  dkBTGK    [B, T, G, K]  f32  write  rows of G·K, DK_STRIDE apart; only with WRITE_DK
//   7  dvBTGV    [B, T, G, V]  f32  write  rows of G·V, DV_STRIDE apart; only with WRITE_DV
//   8  run                    the block Run
//
// The mirror image of attention_backward_dq: one workgroup takes KEYS = 4·DOWN neighbouring keys of one key head through tiles of
// ROWS = 4·ACROSS queries of each of the H / G heads that share the keys, with ACROSS × DOWN invocations. Invocation (x, y) has the keys
// 4·y, …, 4·y + 3, the components of a vec4f. It makes their p and ds with the queries 4·x, …, 4·x + 3 of the tile, which the invocations of a
// row exchange, and adds up the Vecs x, x + ACROSS, … of its keys' dk and dv. Queries that see no key of the workgroup are never visited: the
// last one is WINDOW − 1 behind the last key, unless a key is a meta token.
// dk and dv are slices of one buffer in some models, which can be bound once only: then two launches write one of them each.
// Bytes 4·B·T·(G·(2·K + 2·V) + H·(K + V + 2)) at least, flops 4·(K + V) for each visible pair: bound by multiply-adds.
//
// In front of this file: ACROSS, DOWN, K_EACH = ⌈K / (ACROSS · WIDTH)⌉, V_EACH = ⌈V / (ACROSS · WIDTH)⌉, lib/exchange_workgroup or
// lib/exchange_subgroup, lib/vec4 or lib/vec1 (Vec, WIDTH, multiply_add), lib/sees.

override H: u32;
override G: u32;
override K: u32;
override V: u32;
override ACCUMULATE: bool;
override WRITE_DK: bool;
override WRITE_DV: bool;

// Sizes and places, in elements. They come with each launch, so one compilation serves every length, mask and layout.
struct Run {
  T: u32,
  Q_OFFSET: u32,
  Q_STRIDE: u32,
  K_OFFSET: u32,
  K_STRIDE: u32,
  V_OFFSET: u32,
  V_STRIDE: u32,
  DO_OFFSET: u32,
  DO_STRIDE: u32,
  DK_OFFSET: u32,
  DK_STRIDE: u32,
  DV_OFFSET: u32,
  DV_STRIDE: u32,
  WINDOW: u32,
  META: u32,
  CROP: u32,
}

const ROWS = 4 * ACROSS;
const KEYS = 4 * DOWN;
const SLOTS = 8u; // p, then ds

@group(0) @binding(0) var<storage, read> qBTHK: array<Vec>;
@group(0) @binding(1) var<storage, read> kBTGK: array<Vec>;
@group(0) @binding(2) var<storage, read> vBTGV: array<Vec>;
@group(0) @binding(3) var<storage, read> dOBTHV: array<Vec>;
@group(0) @binding(4) var<storage, read> lseBTH: array<f32>;
@group(0) @binding(5) var<storage, read> deltaBTH: array<f32>;
@group(0) @binding(6) var<storage, read_write> dkBTGK: array<Vec>;
@group(0) @binding(7) var<storage, read_write> dvBTGV: array<Vec>;
@group(0) @binding(8) var<uniform> run: Run;

@compute @workgroup_size(ACROSS, DOWN)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let x = local.x;
  let y = local.y;
  let g = group.y;
  let batch = group.z * run.T;
  let s_first = group.x * KEYS;
  let s_last = min(s_first + KEYS, run.T) - 1;
  // The keys of this invocation; those after s_last repeat it, because every invocation has to reach the barriers.
  let s = min(vec4u(s_first + 4 * y) + vec4u(0, 1, 2, 3), vec4u(s_last));
  let k_at = (run.K_OFFSET + (batch + s) * run.K_STRIDE + g * K) / WIDTH;
  let v_at = (run.V_OFFSET + (batch + s) * run.V_STRIDE + g * V) / WIDTH;
  let scale = inverseSqrt(f32(K));
  var dk: array<array<Vec, 4>, K_EACH>;
  var dv: array<array<Vec, 4>, V_EACH>;

  // Under the leaky mask (lib/sees) every tile is visited.
  let end = select(min(s_last + run.WINDOW, run.T), run.T, run.WINDOW == 0 || s_first < run.META || run.CROP > 0);
  let begin = select(s_first, 0, run.CROP > 0);
  for (var h = g * (H / G); h < (g + 1) * (H / G); h++) {
    for (var t0 = begin; t0 < end; t0 += ROWS) {
      // Always K / WIDTH and V / WIDTH, but not for the compiler, as in attention_forward: these loops have to stay loops.
      let k_steps = select(0, K / WIDTH, t0 <= run.T);
      let v_steps = select(0, V / WIDTH, t0 <= run.T);
      let t = t0 + 4 * x + vec4u(0, 1, 2, 3);
      let row = batch + min(t, vec4u(end - 1));
      let q_at = (run.Q_OFFSET + row * run.Q_STRIDE + h * K) / WIDTH;
      let dO_at = (run.DO_OFFSET + row * run.DO_STRIDE + h * V) / WIDTH;
      var score = array(vec4f(), vec4f(), vec4f(), vec4f()); // q · k; zero has to be said in a loop, as in attention_forward
      for (var i = 0u; i < k_steps; i++) {
        let k0 = kBTGK[k_at.x + i];
        let k1 = kBTGK[k_at.y + i];
        let k2 = kBTGK[k_at.z + i];
        let k3 = kBTGK[k_at.w + i];
        for (var j = 0u; j < 4; j++) {
          let q = qBTHK[q_at[j] + i];
          score[j] = vec4f(
            multiply_add(k0, q, score[j].x),
            multiply_add(k1, q, score[j].y),
            multiply_add(k2, q, score[j].z),
            multiply_add(k3, q, score[j].w),
          );
        }
      }
      var dp = array(vec4f(), vec4f(), vec4f(), vec4f()); // dO · v, in the order of attention_backward_delta, as in attention_backward_dq
      if (WRITE_DK) {
        for (var i = 0u; i < v_steps; i++) {
          let v0 = vBTGV[v_at.x + i];
          let v1 = vBTGV[v_at.y + i];
          let v2 = vBTGV[v_at.z + i];
          let v3 = vBTGV[v_at.w + i];
          for (var j = 0u; j < 4; j++) {
            let d = dOBTHV[dO_at[j] + i];
            dp[j] = vec4f(
              multiply_add(v0, d, dp[j].x),
              multiply_add(v1, d, dp[j].y),
              multiply_add(v2, d, dp[j].z),
              multiply_add(v3, d, dp[j].w),
            );
          }
        }
      }

      wait(); // the p and ds of the tile before have been taken
      var p: array<vec4f, 4>;
      var ds: array<vec4f, 4>;
      for (var j = 0u; j < 4; j++) {
        let lse = lseBTH[row[j] * H + h];
        let delta = deltaBTH[row[j] * H + h];
        let seen = sees4(vec4i(i32(t[j])), vec4i(s)) & vec4<bool>(t[j] < end);
        p[j] = select(vec4f(), exp(min(score[j] * scale - lse, vec4f())), seen); // min: no unseen score may overflow
        ds[j] = p[j] * (dp[j] - delta) * scale;
        give(p[j], j, x, y);
        give(ds[j], 4 + j, x, y);
      }
      wait();
      if (WRITE_DK) {
        for (var other = 0u; 4 * other < min(ROWS, end - t0); other++) {
          for (var j = 0u; j < 4; j++) {
            let d = taken(ds[j], 4 + j, other, y);
            let at = (run.Q_OFFSET + (batch + min(t0 + 4 * other + j, end - 1)) * run.Q_STRIDE + h * K) / WIDTH;
            for (var i = 0u; i < K_EACH; i++) {
              let q = qBTHK[at + min(x + ACROSS * i, K / WIDTH - 1)];
              for (var r = 0u; r < 4; r++) {
                dk[i][r] = fma(Vec(d[r]), q, dk[i][r]);
              }
            }
          }
        }
      }
      if (WRITE_DV) {
        for (var other = 0u; 4 * other < min(ROWS, end - t0); other++) {
          for (var j = 0u; j < 4; j++) {
            let weight = taken(p[j], j, other, y);
            let at = (run.DO_OFFSET + (batch + min(t0 + 4 * other + j, end - 1)) * run.DO_STRIDE + h * V) / WIDTH;
            for (var i = 0u; i < V_EACH; i++) {
              let d = dOBTHV[at + min(x + ACROSS * i, V / WIDTH - 1)];
              for (var r = 0u; r < 4; r++) {
                dv[i][r] = fma(Vec(weight[r]), d, dv[i][r]);
              }
            }
          }
        }
      }
    }
  }

  for (var r = 0u; r < 4; r++) {
    let key = s_first + 4 * y + r;
    if (key > s_last) {
      continue;
    }
    if (WRITE_DK) {
      let at = (run.DK_OFFSET + (batch + key) * run.DK_STRIDE + g * K) / WIDTH;
      for (var i = 0u; i < K_EACH; i++) {
        let c = x + ACROSS * i;
        if (c < K / WIDTH) {
          dkBTGK[at + c] = select(dk[i][r], dk[i][r] + dkBTGK[at + c], ACCUMULATE);
        }
      }
    }
    if (WRITE_DV) {
      let at = (run.DV_OFFSET + (batch + key) * run.DV_STRIDE + g * V) / WIDTH;
      for (var i = 0u; i < V_EACH; i++) {
        let c = x + ACROSS * i;
        if (c < V / WIDTH) {
          dvBTGV[at + c] = select(dv[i][r], dv[i][r] + dvBTGV[at + c], ACCUMULATE);
        }
      }
    }
  }
}
