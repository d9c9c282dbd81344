// dq = Σ_s ds · k with ds = p · (dO · v − delta) / √K and p = exp(q · k / √K − lse): the half of the backward pass that goes by queries.
// Query t sees key s when s ≤ t and (WINDOW = 0 or t − s < WINDOW or s < META). Query head h uses key head h / (H / G).
//
//   0  qBTHK     [B, T, H, K]  f32  read   rows of H·K, Q_STRIDE apart
//   1  kBTGK     [B, T, G, K]  f32  read   rows of G·K, K_STRIDE apart
//   2  vBTGV     [B, T, G, V]  f32  read   rows of G·V, V_STRIDE apart
//   3  dOBTHV    [B, T, H, V]  f32  read   rows of H·V, DO_STRIDE apart
//   4  lseBTH    [B, T, H]     f32  read   from the forward pass: makes p without a second softmax
//   5  deltaBTH  [B, T, H]     f32  read   Σ dO · o of the row
//   6  dqBTHK    [B, T, H, K]  f32  write  rows of H·K, DQ_STRIDE apart
//
// Laid out as attention_forward: one workgroup is LANES · EACH neighbouring queries of one head, PARTS invocations share EACH queries and
// keep their parts of q, dO and dq in registers, and KEYS keys are taken together. Keys that no query of the workgroup sees are skipped.
// Bytes 4·B·H·T·(3·K + 2·V) at least, flops 2·(2·K + V) for each visible pair: bound by multiply-adds.
//
// In front of this file: PARTS, LANES, EACH, KEYS, K_EACH = K / (PARTS · WIDTH), V_EACH = V / (PARTS · WIDTH), lib/vec4 or lib/vec1 (Vec,
// WIDTH, multiply_add), lib/sees (the mask above), lib/sum_over_parts (Tile = [KEYS, EACH] numbers, and their sum over PARTS).

override T: u32;
override H: u32;
override G: u32;
override Q_OFFSET: u32 = 0;
override Q_STRIDE: u32;
override K_OFFSET: u32 = 0;
override K_STRIDE: u32;
override V_OFFSET: u32 = 0;
override V_STRIDE: u32;
override DO_OFFSET: u32 = 0;
override DO_STRIDE: u32;
override DQ_OFFSET: u32 = 0;
override DQ_STRIDE: u32;

const K = K_EACH * PARTS * WIDTH;
const V = V_EACH * PARTS * WIDTH;

@group(0) @binding(0) var<storage, read> qBTHK: array<Vec>;
@group(0) @binding(1) var<storage, read> kBTGK: array<Vec>;
@group(0) @binding(2) var<storage, read> vBTGV: array<Vec>;
@group(0) @binding(3) var<storage, read> dOBTHV: array<Vec>;
@group(0) @binding(4) var<storage, read> lseBTH: array<f32>;
@group(0) @binding(5) var<storage, read> deltaBTH: array<f32>;
@group(0) @binding(6) var<storage, read_write> dqBTHK: array<Vec>;

@compute @workgroup_size(PARTS, LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let part = local.x;
  let h = group.y;
  let g = h / (H / G);
  let batch = group.z * T;
  let t_first = group.x * LANES * EACH;
  let t_last = min(t_first + LANES * EACH, T) - 1;
  let t0 = t_first + local.y * EACH; // this invocation's queries are t0, …, t0 + EACH − 1; those after t_last repeat it
  let scale = inverseSqrt(f32(K));

  var q: array<array<Vec, EACH>, K_EACH>;
  var dO: array<array<Vec, EACH>, V_EACH>;
  var dq: array<array<Vec, EACH>, K_EACH>;
  var lse: array<f32, EACH>;
  var delta: array<f32, EACH>;
  for (var r = 0u; r < EACH; r++) {
    let row = batch + min(t0 + r, t_last);
    let q_at = (Q_OFFSET + row * Q_STRIDE + h * K) / WIDTH + part;
    for (var i = 0u; i < K_EACH; i++) {
      q[i][r] = qBTHK[q_at + i * PARTS] * scale;
    }
    let dO_at = (DO_OFFSET + row * DO_STRIDE + h * V) / WIDTH + part;
    for (var i = 0u; i < V_EACH; i++) {
      dO[i][r] = dOBTHV[dO_at + i * PARTS];
    }
    lse[r] = lseBTH[row * H + h];
    delta[r] = deltaBTH[row * H + h];
  }

  // Two stretches of keys: the meta prefix in front of the first query's window, then from that window to the last query.
  let window_start = select(max(t_first + 1, WINDOW) - WINDOW, 0, WINDOW == 0);
  for (var stretch = 0u; stretch < 2; stretch++) {
    let start = select(window_start, 0, stretch == 0);
    let end = select(t_last + 1, min(META, window_start), stretch == 0);
    for (var s0 = start; s0 < end; s0 += KEYS) {
      var k_at: array<u32, KEYS>;
      var v_at: array<u32, KEYS>;
      for (var j = 0u; j < KEYS; j++) {
        let row = batch + min(s0 + j, end - 1);
        k_at[j] = (K_OFFSET + row * K_STRIDE + g * K) / WIDTH + part;
        v_at[j] = (V_OFFSET + row * V_STRIDE + g * V) / WIDTH + part;
      }

      var score = Tile();
      for (var i = 0u; i < K_EACH; i++) {
        for (var j = 0u; j < KEYS; j++) {
          let k = kBTGK[k_at[j] + i * PARTS];
          for (var r = 0u; r < EACH; r++) {
            score[j][r] = multiply_add(q[i][r], k, score[j][r]);
          }
        }
      }
      var dp = Tile(); // dO · v
      for (var i = 0u; i < V_EACH; i++) {
        for (var j = 0u; j < KEYS; j++) {
          let v = vBTGV[v_at[j] + i * PARTS];
          for (var r = 0u; r < EACH; r++) {
            dp[j][r] = multiply_add(dO[i][r], v, dp[j][r]);
          }
        }
      }
      score = sum_over_parts(score, local);
      dp = sum_over_parts(dp, local);

      var ds = Tile();
      for (var j = 0u; j < KEYS; j++) {
        for (var r = 0u; r < EACH; r++) {
          if (s0 + j < end && sees(min(t0 + r, t_last), s0 + j)) {
            ds[j][r] = exp(score[j][r] - lse[r]) * (dp[j][r] - delta[r]) * scale;
          }
        }
      }
      for (var i = 0u; i < K_EACH; i++) {
        for (var j = 0u; j < KEYS; j++) {
          let k = kBTGK[k_at[j] + i * PARTS];
          for (var r = 0u; r < EACH; r++) {
            dq[i][r] = fma(Vec(ds[j][r]), k, dq[i][r]);
          }
        }
      }
    }
  }

  for (var r = 0u; r < EACH; r++) {
    if (t0 + r <= t_last) {
      let at = (DQ_OFFSET + (batch + t0 + r) * DQ_STRIDE + h * K) / WIDTH + part;
      for (var i = 0u; i < K_EACH; i++) {
        dqBTHK[at + i * PARTS] = dq[i][r];
      }
    }
  }
}
