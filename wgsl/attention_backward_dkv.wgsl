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
//
// The mirror image of attention_backward_dq: one workgroup is LANES · EACH neighbouring keys of one key head, PARTS invocations share EACH
// keys and keep their parts of k, v, dk and dv in registers, and KEYS queries are taken together, head by head of the H / G that share the
// keys. Queries that see no key of the workgroup are skipped: the last one is WINDOW − 1 behind the last key, unless a key is a meta token.
// dk and dv are slices of one buffer in some models, which can be bound once only: then two launches write one of them each.
// Bytes 4·B·T·(G·(2·K + 2·V) + H·(K + V + 2)) at least, flops 4·(K + V) for each visible pair: bound by multiply-adds.
//
// In front of this file: PARTS, LANES, EACH, KEYS, K_EACH = K / (PARTS · WIDTH), V_EACH = V / (PARTS · WIDTH), lib/vec4 or lib/vec1 (Vec,
// WIDTH, multiply_add), lib/sees (the mask above), lib/sum_over_parts (Tile = [KEYS, EACH] numbers, and their sum over PARTS).

override T: u32;
override H: u32;
override G: u32;
override ACCUMULATE: bool;
override WRITE_DK: bool;
override WRITE_DV: bool;
override Q_OFFSET: u32 = 0;
override Q_STRIDE: u32;
override K_OFFSET: u32 = 0;
override K_STRIDE: u32;
override V_OFFSET: u32 = 0;
override V_STRIDE: u32;
override DO_OFFSET: u32 = 0;
override DO_STRIDE: u32;
override DK_OFFSET: u32 = 0;
override DK_STRIDE: u32;
override DV_OFFSET: u32 = 0;
override DV_STRIDE: u32;

const K = K_EACH * PARTS * WIDTH;
const V = V_EACH * PARTS * WIDTH;

@group(0) @binding(0) var<storage, read> qBTHK: array<Vec>;
@group(0) @binding(1) var<storage, read> kBTGK: array<Vec>;
@group(0) @binding(2) var<storage, read> vBTGV: array<Vec>;
@group(0) @binding(3) var<storage, read> dOBTHV: array<Vec>;
@group(0) @binding(4) var<storage, read> lseBTH: array<f32>;
@group(0) @binding(5) var<storage, read> deltaBTH: array<f32>;
@group(0) @binding(6) var<storage, read_write> dkBTGK: array<Vec>;
@group(0) @binding(7) var<storage, read_write> dvBTGV: array<Vec>;

@compute @workgroup_size(PARTS, LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let part = local.x;
  let g = group.y;
  let batch = group.z * T;
  let s_first = group.x * LANES * EACH;
  let s_last = min(s_first + LANES * EACH, T) - 1;
  let s0 = s_first + local.y * EACH; // this invocation's keys are s0, …, s0 + EACH − 1; those after s_last repeat it
  let scale = inverseSqrt(f32(K));

  var k: array<array<Vec, EACH>, K_EACH>;
  var v: array<array<Vec, EACH>, V_EACH>;
  var dk: array<array<Vec, EACH>, K_EACH>;
  var dv: array<array<Vec, EACH>, V_EACH>;
  for (var r = 0u; r < EACH; r++) {
    let row = batch + min(s0 + r, s_last);
    let k_at = (K_OFFSET + row * K_STRIDE + g * K) / WIDTH + part;
    for (var i = 0u; i < K_EACH; i++) {
      k[i][r] = kBTGK[k_at + i * PARTS] * scale;
    }
    let v_at = (V_OFFSET + row * V_STRIDE + g * V) / WIDTH + part;
    for (var i = 0u; i < V_EACH; i++) {
      v[i][r] = vBTGV[v_at + i * PARTS];
    }
  }

  let end = select(min(s_last + WINDOW, T), T, WINDOW == 0 || s_first < META);
  for (var h = g * (H / G); h < (g + 1) * (H / G); h++) {
    for (var t0 = s_first; t0 < end; t0 += KEYS) {
      var q_at: array<u32, KEYS>;
      var dO_at: array<u32, KEYS>;
      for (var j = 0u; j < KEYS; j++) {
        let row = batch + min(t0 + j, end - 1);
        q_at[j] = (Q_OFFSET + row * Q_STRIDE + h * K) / WIDTH + part;
        dO_at[j] = (DO_OFFSET + row * DO_STRIDE + h * V) / WIDTH + part;
      }

      var p = Tile(); // the score first, then exp(score − lse)
      for (var i = 0u; i < K_EACH; i++) {
        for (var j = 0u; j < KEYS; j++) {
          let q = qBTHK[q_at[j] + i * PARTS];
          for (var r = 0u; r < EACH; r++) {
            p[j][r] = multiply_add(k[i][r], q, p[j][r]);
          }
        }
      }
      p = sum_over_parts(p, local);
      for (var j = 0u; j < KEYS; j++) {
        let lse = lseBTH[(batch + min(t0 + j, end - 1)) * H + h];
        for (var r = 0u; r < EACH; r++) {
          let seen = t0 + j < end && sees(t0 + j, min(s0 + r, s_last));
          p[j][r] = select(0.0, exp(min(p[j][r] - lse, 0)), seen); // no unseen score may overflow
        }
      }

      if (WRITE_DK) {
        var ds = Tile(); // dO · v first
        for (var i = 0u; i < V_EACH; i++) {
          for (var j = 0u; j < KEYS; j++) {
            let dO = dOBTHV[dO_at[j] + i * PARTS];
            for (var r = 0u; r < EACH; r++) {
              ds[j][r] = multiply_add(v[i][r], dO, ds[j][r]);
            }
          }
        }
        ds = sum_over_parts(ds, local);
        for (var j = 0u; j < KEYS; j++) {
          let delta = deltaBTH[(batch + min(t0 + j, end - 1)) * H + h];
          for (var r = 0u; r < EACH; r++) {
            ds[j][r] = p[j][r] * (ds[j][r] - delta) * scale;
          }
        }
        for (var i = 0u; i < K_EACH; i++) {
          for (var j = 0u; j < KEYS; j++) {
            let q = qBTHK[q_at[j] + i * PARTS];
            for (var r = 0u; r < EACH; r++) {
              dk[i][r] = fma(Vec(ds[j][r]), q, dk[i][r]);
            }
          }
        }
      }
      if (WRITE_DV) {
        for (var i = 0u; i < V_EACH; i++) {
          for (var j = 0u; j < KEYS; j++) {
            let dO = dOBTHV[dO_at[j] + i * PARTS];
            for (var r = 0u; r < EACH; r++) {
              dv[i][r] = fma(Vec(p[j][r]), dO, dv[i][r]);
            }
          }
        }
      }
    }
  }

  for (var r = 0u; r < EACH; r++) {
    if (s0 + r > s_last) {
      continue;
    }
    let row = batch + s0 + r;
    if (WRITE_DK) {
      let at = (DK_OFFSET + row * DK_STRIDE + g * K) / WIDTH + part;
      for (var i = 0u; i < K_EACH; i++) {
        dkBTGK[at + i * PARTS] = select(dk[i][r], dk[i][r] + dkBTGK[at + i * PARTS], ACCUMULATE);
      }
    }
    if (WRITE_DV) {
      let at = (DV_OFFSET + row * DV_STRIDE + g * V) / WIDTH + part;
      for (var i = 0u; i < V_EACH; i++) {
        dvBTGV[at + i * PARTS] = select(dv[i][r], dv[i][r] + dvBTGV[at + i * PARTS], ACCUMULATE);
      }
    }
  }
}
