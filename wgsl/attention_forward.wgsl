// o = softmax(q · kᵀ / √K + mask) · v and lse = log Σ exp(score): causal attention in one pass over the keys; no score is stored.
// Query t sees key s when s ≤ t and (WINDOW = 0 or t − s < WINDOW or s < META). Query head h uses key head h / (H / G).
//
//   0  qBTHK   [B, T, H, K]  f32  read   rows of H·K, Q_STRIDE apart
//   1  kBTGK   [B, T, G, K]  f32  read   rows of G·K, K_STRIDE apart
//   2  vBTGV   [B, T, G, V]  f32  read   rows of G·V, V_STRIDE apart
//   3  oBTHV   [B, T, H, V]  f32  write  rows of H·V, O_STRIDE apart
//   4  lseBTH  [B, T, H]     f32  write
//
// The softmax of a row is built up as the keys go by: `highest` is the largest score so far, total = Σ exp(score − highest), and
// o = Σ exp(score − highest) · v. When a score exceeds `highest`, total and o shrink by exp(old − new). At the end o is divided by
// total, and lse = highest + log(total). This is exact, and needs each key once.
//
// One workgroup is LANES · EACH neighbouring queries of one head. PARTS invocations share EACH queries: invocation `part` keeps the
// numbers part, part + PARTS, … of each q and o in registers (a number is a Vec of WIDTH, 4 where rows allow it). KEYS keys are taken
// together, so a number of k or v that is fetched serves EACH multiplications, and one of q or o KEYS. Keys that no query of the
// workgroup sees are never visited: work is proportional to T·(WINDOW + META), or to T²/2 without a window.
// Bytes 4·B·H·T·(2·K + 2·V) at least, flops 2·(K + V) for each visible pair: bound by multiply-adds.
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
override O_OFFSET: u32 = 0;
override O_STRIDE: u32;

const K = K_EACH * PARTS * WIDTH;
const V = V_EACH * PARTS * WIDTH;
const UNSEEN = -1e30; // below every score; −∞ would make NaN in differences

@group(0) @binding(0) var<storage, read> qBTHK: array<Vec>;
@group(0) @binding(1) var<storage, read> kBTGK: array<Vec>;
@group(0) @binding(2) var<storage, read> vBTGV: array<Vec>;
@group(0) @binding(3) var<storage, read_write> oBTHV: array<Vec>;
@group(0) @binding(4) var<storage, read_write> lseBTH: array<f32>;

@compute @workgroup_size(PARTS, LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let part = local.x;
  let h = group.y;
  let g = h / (H / G);
  let batch = group.z * T;
  let t_first = group.x * LANES * EACH;
  let t_last = min(t_first + LANES * EACH, T) - 1;
  let t0 = t_first + local.y * EACH; // this invocation's queries are t0, …, t0 + EACH − 1; those after t_last repeat it

  var q: array<array<Vec, EACH>, K_EACH>;
  var o: array<array<Vec, EACH>, V_EACH>;
  var highest: array<f32, EACH>;
  var total: array<f32, EACH>;
  for (var r = 0u; r < EACH; r++) {
    let at = (Q_OFFSET + (batch + min(t0 + r, t_last)) * Q_STRIDE + h * K) / WIDTH + part;
    for (var i = 0u; i < K_EACH; i++) {
      q[i][r] = qBTHK[at + i * PARTS] * inverseSqrt(f32(K));
    }
    highest[r] = UNSEEN;
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

      var score = Tile(); // said outright: a variable declared in a loop without a value keeps the last round's on some adapters
      for (var i = 0u; i < K_EACH; i++) {
        for (var j = 0u; j < KEYS; j++) {
          let k = kBTGK[k_at[j] + i * PARTS];
          for (var r = 0u; r < EACH; r++) {
            score[j][r] = multiply_add(q[i][r], k, score[j][r]);
          }
        }
      }
      score = sum_over_parts(score, local);

      // From scores to exp(score − highest), which `score` holds from here on.
      var shrink: array<f32, EACH>;
      for (var r = 0u; r < EACH; r++) {
        var next_highest = highest[r];
        for (var j = 0u; j < KEYS; j++) {
          if (s0 + j >= end || !sees(min(t0 + r, t_last), s0 + j)) {
            score[j][r] = UNSEEN;
          }
          next_highest = max(next_highest, score[j][r]);
        }
        shrink[r] = exp(highest[r] - next_highest);
        highest[r] = next_highest;
        total[r] *= shrink[r];
        for (var j = 0u; j < KEYS; j++) {
          let value = score[j][r];
          score[j][r] = select(exp(value - next_highest), 0.0, value == UNSEEN);
          total[r] += score[j][r];
        }
      }

      for (var i = 0u; i < V_EACH; i++) {
        for (var r = 0u; r < EACH; r++) {
          o[i][r] *= shrink[r];
        }
        for (var j = 0u; j < KEYS; j++) {
          let v = vBTGV[v_at[j] + i * PARTS];
          for (var r = 0u; r < EACH; r++) {
            o[i][r] = fma(Vec(score[j][r]), v, o[i][r]);
          }
        }
      }
    }
  }

  for (var r = 0u; r < EACH; r++) {
    let t = t0 + r;
    if (t <= t_last) {
      let at = (O_OFFSET + (batch + t) * O_STRIDE + h * V) / WIDTH + part;
      for (var i = 0u; i < V_EACH; i++) {
        oBTHV[at + i * PARTS] = o[i][r] / total[r];
      }
      if (part == 0) {
        lseBTH[(batch + t) * H + h] = highest[r] + log(total[r]);
      }
    }
  }
}
