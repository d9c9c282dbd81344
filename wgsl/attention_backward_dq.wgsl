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
//   7  run                    the block Run
//
// Laid out as attention_forward: one workgroup takes ROWS = 4·QUADS·DOWN neighbouring queries of one head through tiles of KEYS = 4·ACROSS
// keys, with ACROSS × DOWN invocations. Invocation (x, y) has QUADS quads of queries, the components of a vec4f each. It makes their ds with
// the keys 4·x, …, 4·x + 3 of the tile, which the invocations of a row exchange, and adds up the Vecs x, x + ACROSS, … of its queries' dq.
// Tiles of keys that no query of the workgroup sees are never visited; where ACROSS keys or fewer are left each invocation takes one.
// Bytes 4·B·H·T·(3·K + 2·V) at least, flops 2·(2·K + V) for each visible pair: bound as attention_forward.
//
// In front of this file: ACROSS, DOWN, QUADS, K_EACH = ⌈K / (ACROSS · WIDTH)⌉, V_EACH = ⌈V / (ACROSS · WIDTH)⌉, lib/exchange_workgroup or
// lib/exchange_subgroup, lib/vec4 or lib/vec1 (Vec, WIDTH, multiply_add), lib/sees (the mask above).

override H: u32;
override G: u32;
override K: u32;
override V: u32;

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
  DQ_OFFSET: u32,
  DQ_STRIDE: u32,
  WINDOW: u32,
  META: u32,
}

const ROWS = 4 * QUADS * DOWN;
const KEYS = 4 * ACROSS;
const SLOTS = 4 * QUADS;

@group(0) @binding(0) var<storage, read> qBTHK: array<Vec>;
@group(0) @binding(1) var<storage, read> kBTGK: array<Vec>;
@group(0) @binding(2) var<storage, read> vBTGV: array<Vec>;
@group(0) @binding(3) var<storage, read> dOBTHV: array<Vec>;
@group(0) @binding(4) var<storage, read> lseBTH: array<f32>;
@group(0) @binding(5) var<storage, read> deltaBTH: array<f32>;
@group(0) @binding(6) var<storage, read_write> dqBTHK: array<Vec>;
@group(0) @binding(7) var<uniform> run: Run;

/// sums + a · b of four rows a, the components, and one row b.
fn dots(a: array<Vec, 4>, b: Vec, sums: vec4f) -> vec4f {
  return vec4f(multiply_add(a[0], b, sums.x), multiply_add(a[1], b, sums.y), multiply_add(a[2], b, sums.z), multiply_add(a[3], b, sums.w));
}

@compute @workgroup_size(ACROSS, DOWN)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let x = local.x;
  let y = local.y;
  let h = group.y;
  let g = h / (H / G);
  let batch = group.z * run.T;
  let t_first = group.x * ROWS;
  let t_last = min(t_first + ROWS, run.T) - 1;
  let scale = inverseSqrt(f32(K));
  // The queries of this invocation; those after t_last repeat it, because every invocation has to reach the barriers.
  var t: array<vec4u, QUADS>;
  var q_at: array<vec4u, QUADS>;
  var dO_at: array<vec4u, QUADS>;
  var lse: array<vec4f, QUADS>;
  var delta: array<vec4f, QUADS>;
  var own_q: array<array<array<Vec, 4>, QUADS>, K_EACH>; // Vecs x, x + ACROSS, …
  var own_dO: array<array<array<Vec, 4>, QUADS>, V_EACH>;
  for (var u = 0u; u < QUADS; u++) {
    t[u] = min(vec4u(t_first + 4 * (QUADS * y + u)) + vec4u(0, 1, 2, 3), vec4u(t_last));
    q_at[u] = (run.Q_OFFSET + (batch + t[u]) * run.Q_STRIDE + h * K) / WIDTH;
    dO_at[u] = (run.DO_OFFSET + (batch + t[u]) * run.DO_STRIDE + h * V) / WIDTH;
    let at_row = (batch + t[u]) * H + h;
    lse[u] = four_of(&lseBTH, at_row, x);
    delta[u] = four_of(&deltaBTH, at_row, x);
    for (var r = 0u; r < 4; r++) {
      for (var e = 0u; e < K_EACH; e++) {
        own_q[e][u][r] = qBTHK[q_at[u][r] + min(x + ACROSS * e, K / WIDTH - 1)];
      }
      for (var e = 0u; e < V_EACH; e++) {
        own_dO[e][u][r] = dOBTHV[dO_at[u][r] + min(x + ACROSS * e, V / WIDTH - 1)];
      }
    }
  }
  var dq: array<array<array<Vec, 4>, K_EACH>, QUADS>;

  // Two stretches of keys: the meta prefix in front of the first query's window, then from that window to the last query.
  // Under the leaky mask (lib/sees) every tile is visited.
  let window_start = select(max(t_first + 1, run.WINDOW) - run.WINDOW, 0, run.WINDOW == 0);
  let keys_end = t_last + 1;
  let meta_end = min(run.META, window_start);
  var s0 = select(window_start, 0, meta_end > 0);
  loop {
    let end = select(keys_end, meta_end, s0 < meta_end);
    let few = end - s0 <= ACROSS;
    let s = s0 + select(4 * x + vec4u(0, 1, 2, 3), x + ACROSS * vec4u(0, 1, 2, 3), few);
    let key = batch + min(s, vec4u(end - 1));
    let k_at = (run.K_OFFSET + key * run.K_STRIDE + g * K) / WIDTH;
    let v_at = (run.V_OFFSET + key * run.V_STRIDE + g * V) / WIDTH;
    // q · k, then dO · v, added in the order of attention_backward_delta: where a query sees one key, o = v and dp − delta is exactly 0.
    // Zero has to be said in a loop, and the loops have to stay loops, as in attention_forward.
    var score = array<array<vec4f, 4>, QUADS>();
    var dp = array<array<vec4f, 4>, QUADS>();
    for (var e = 0u; e < K_EACH; e++) {
      let steps = select(0, min(ACROSS, K / WIDTH - ACROSS * e), s0 < keys_end);
      if (few) {
        var i = 0u;
        loop {
          let k = kBTGK[k_at.x + ACROSS * e + i];
          for (var u = 0u; u < QUADS; u++) {
            var mine: array<Vec, 4>;
            for (var r = 0u; r < 4; r++) {
              mine[r] = of_row(own_q[e][u][r], &qBTHK, q_at[u][r] + ACROSS * e, i);
            }
            score[u][0] = dots(mine, k, score[u][0]);
          }
          continuing {
            i++;
            break if i >= steps;
          }
        }
      } else {
        var i = 0u;
        loop {
          var k: array<Vec, 4>;
          for (var j = 0u; j < 4; j++) {
            k[j] = kBTGK[k_at[j] + ACROSS * e + i];
          }
          for (var u = 0u; u < QUADS; u++) {
            var mine: array<Vec, 4>;
            for (var r = 0u; r < 4; r++) {
              mine[r] = of_row(own_q[e][u][r], &qBTHK, q_at[u][r] + ACROSS * e, i);
            }
            for (var j = 0u; j < 4; j++) {
              score[u][j] = dots(mine, k[j], score[u][j]);
            }
          }
          continuing {
            i++;
            break if i >= steps;
          }
        }
      }
    }
    for (var e = 0u; e < V_EACH; e++) {
      let steps = select(0, min(ACROSS, V / WIDTH - ACROSS * e), s0 < keys_end);
      if (few) {
        var i = 0u;
        loop {
          let v = vBTGV[v_at.x + ACROSS * e + i];
          for (var u = 0u; u < QUADS; u++) {
            var mine: array<Vec, 4>;
            for (var r = 0u; r < 4; r++) {
              mine[r] = of_row(own_dO[e][u][r], &dOBTHV, dO_at[u][r] + ACROSS * e, i);
            }
            dp[u][0] = dots(mine, v, dp[u][0]);
          }
          continuing {
            i++;
            break if i >= steps;
          }
        }
      } else {
        var i = 0u;
        loop {
          var v: array<Vec, 4>;
          for (var j = 0u; j < 4; j++) {
            v[j] = vBTGV[v_at[j] + ACROSS * e + i];
          }
          for (var u = 0u; u < QUADS; u++) {
            var mine: array<Vec, 4>;
            for (var r = 0u; r < 4; r++) {
              mine[r] = of_row(own_dO[e][u][r], &dOBTHV, dO_at[u][r] + ACROSS * e, i);
            }
            for (var j = 0u; j < 4; j++) {
              dp[u][j] = dots(mine, v[j], dp[u][j]);
            }
          }
          continuing {
            i++;
            break if i >= steps;
          }
        }
      }
    }

    wait(); // the ds of the tile before have been taken
    var ds: array<array<vec4f, 4>, QUADS>;
    for (var u = 0u; u < QUADS; u++) {
      for (var j = 0u; j < 4; j++) {
        let seen = sees4(vec4i(t[u]), vec4i(i32(s[j]))) & vec4<bool>(s[j] < end);
        let p = select(vec4f(), exp(min(score[u][j] * scale - lse[u], vec4f())), seen); // min: no unseen score may overflow
        ds[u][j] = p * (dp[u][j] - delta[u]) * scale;
        give(ds[u][j], 4 * u + j, x, y);
      }
    }
    wait();
    let k_first = (run.K_OFFSET + (batch + s0) * run.K_STRIDE + g * K) / WIDTH;
    if (few) {
      var other = 0u;
      loop {
        for (var i = 0u; i < K_EACH; i++) {
          let k = kBTGK[k_first + other * run.K_STRIDE / WIDTH + min(x + ACROSS * i, K / WIDTH - 1)];
          for (var u = 0u; u < QUADS; u++) {
            let weight = taken(ds[u][0], 4 * u, other, y);
            for (var r = 0u; r < 4; r++) {
              dq[u][i][r] = fma(Vec(weight[r]), k, dq[u][i][r]);
            }
          }
        }
        continuing {
          other++;
          break if other >= end - s0;
        }
      }
    } else {
      var other = 0u;
      loop {
        for (var j = 0u; j < 4; j++) {
          let at = k_first + min(4 * other + j, end - s0 - 1) * run.K_STRIDE / WIDTH;
          for (var i = 0u; i < K_EACH; i++) {
            let k = kBTGK[at + min(x + ACROSS * i, K / WIDTH - 1)];
            for (var u = 0u; u < QUADS; u++) {
              let weight = taken(ds[u][j], 4 * u + j, other, y);
              for (var r = 0u; r < 4; r++) {
                dq[u][i][r] = fma(Vec(weight[r]), k, dq[u][i][r]);
              }
            }
          }
        }
        continuing {
          other++;
          break if 4 * other >= min(KEYS, end - s0);
        }
      }
    }
    continuing {
      s0 = select(s0 + KEYS, window_start, s0 < meta_end && s0 + KEYS >= meta_end);
      break if s0 >= keys_end;
    }
  }

  for (var u = 0u; u < QUADS; u++) {
    for (var r = 0u; r < 4; r++) {
      let row = t_first + 4 * (QUADS * y + u) + r;
      if (row > t_last) {
        continue;
      }
      let at = (run.DQ_OFFSET + (batch + row) * run.DQ_STRIDE + h * K) / WIDTH;
      for (var i = 0u; i < K_EACH; i++) {
        if (x + ACROSS * i < K / WIDTH) {
          dqBTHK[at + x + ACROSS * i] = dq[u][i][r];
        }
      }
    }
  }
}
