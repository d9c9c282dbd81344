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
// The mirror image of attention_backward_dq: one workgroup takes KEYS = 4·QUADS·DOWN neighbouring keys of one key head through tiles of
// ROWS = 4·ACROSS queries of each of the H / G heads that share the keys, with ACROSS × DOWN invocations. Invocation (x, y) has QUADS quads of
// keys, the components of a vec4f each. It makes their p and ds with the queries 4·x, …, 4·x + 3 of the tile, which the invocations of a
// row exchange, and adds up the Vecs x, x + ACROSS, … of its keys' dk and dv. Queries that see no key of the workgroup are never visited: the
// last one is WINDOW − 1 behind the last key, unless a key is a meta token. Where ACROSS queries or fewer are left each invocation takes one.
// dk and dv are slices of one buffer in some models, which can be bound once only: then two launches write one of them each.
// Bytes 4·B·T·(G·(2·K + 2·V) + H·(K + V + 2)) at least, flops 4·(K + V) for each visible pair: bound as attention_forward.
//
// In front of this file: ACROSS, DOWN, QUADS, K_EACH = ⌈K / (ACROSS · WIDTH)⌉, V_EACH = ⌈V / (ACROSS · WIDTH)⌉, lib/exchange_workgroup or
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
}

const ROWS = 4 * ACROSS;
const KEYS = 4 * QUADS * DOWN;
const SLOTS = 8 * QUADS; // p, then ds

@group(0) @binding(0) var<storage, read> qBTHK: array<Vec>;
@group(0) @binding(1) var<storage, read> kBTGK: array<Vec>;
@group(0) @binding(2) var<storage, read> vBTGV: array<Vec>;
@group(0) @binding(3) var<storage, read> dOBTHV: array<Vec>;
@group(0) @binding(4) var<storage, read> lseBTH: array<f32>;
@group(0) @binding(5) var<storage, read> deltaBTH: array<f32>;
@group(0) @binding(6) var<storage, read_write> dkBTGK: array<Vec>;
@group(0) @binding(7) var<storage, read_write> dvBTGV: array<Vec>;
@group(0) @binding(8) var<uniform> run: Run;

/// sums + a · b of four rows a, the components, and one row b.
fn dots(a: array<Vec, 4>, b: Vec, sums: vec4f) -> vec4f {
  return vec4f(multiply_add(a[0], b, sums.x), multiply_add(a[1], b, sums.y), multiply_add(a[2], b, sums.z), multiply_add(a[3], b, sums.w));
}

@compute @workgroup_size(ACROSS, DOWN)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let x = local.x;
  let y = local.y;
  let g = group.y;
  let batch = group.z * run.T;
  let s_first = group.x * KEYS;
  let s_last = min(s_first + KEYS, run.T) - 1;
  let scale = inverseSqrt(f32(K));
  // The keys of this invocation; those after s_last repeat it, because every invocation has to reach the barriers.
  var s: array<vec4u, QUADS>;
  var k_at: array<vec4u, QUADS>;
  var v_at: array<vec4u, QUADS>;
  var own_k: array<array<array<Vec, 4>, QUADS>, K_EACH>; // Vecs x, x + ACROSS, …
  var own_v: array<array<array<Vec, 4>, QUADS>, V_EACH>;
  for (var u = 0u; u < QUADS; u++) {
    s[u] = min(vec4u(s_first + 4 * (QUADS * y + u)) + vec4u(0, 1, 2, 3), vec4u(s_last));
    k_at[u] = (run.K_OFFSET + (batch + s[u]) * run.K_STRIDE + g * K) / WIDTH;
    v_at[u] = (run.V_OFFSET + (batch + s[u]) * run.V_STRIDE + g * V) / WIDTH;
    for (var r = 0u; r < 4; r++) {
      for (var e = 0u; e < K_EACH; e++) {
        own_k[e][u][r] = kBTGK[k_at[u][r] + min(x + ACROSS * e, K / WIDTH - 1)];
      }
      for (var e = 0u; e < V_EACH; e++) {
        own_v[e][u][r] = vBTGV[v_at[u][r] + min(x + ACROSS * e, V / WIDTH - 1)];
      }
    }
  }
  var dk: array<array<array<Vec, 4>, K_EACH>, QUADS>;
  var dv: array<array<array<Vec, 4>, V_EACH>, QUADS>;

  let end = select(min(s_last + run.WINDOW, run.T), run.T, run.WINDOW == 0 || s_first < run.META);
  var h = g * (H / G);
  loop {
    var t0 = s_first;
    loop {
      let few = end - t0 <= ACROSS;
      let t = t0 + select(4 * x + vec4u(0, 1, 2, 3), x + ACROSS * vec4u(0, 1, 2, 3), few);
      let row = batch + min(t, vec4u(end - 1));
      let q_at = (run.Q_OFFSET + row * run.Q_STRIDE + h * K) / WIDTH;
      let dO_at = (run.DO_OFFSET + row * run.DO_STRIDE + h * V) / WIDTH;
      // q · k, then dO · v in the order of attention_backward_delta, as in attention_backward_dq. Zero has to be said in a loop, and the loops
      // have to stay loops, as in attention_forward.
      var score = array<array<vec4f, 4>, QUADS>();
      for (var e = 0u; e < K_EACH; e++) {
        let steps = select(0, min(ACROSS, K / WIDTH - ACROSS * e), t0 <= run.T);
        if (few) {
          var i = 0u;
          loop {
            let q = qBTHK[q_at.x + ACROSS * e + i];
            for (var u = 0u; u < QUADS; u++) {
              var mine: array<Vec, 4>;
              for (var r = 0u; r < 4; r++) {
                mine[r] = of_row(own_k[e][u][r], &kBTGK, k_at[u][r] + ACROSS * e, i);
              }
              score[u][0] = dots(mine, q, score[u][0]);
            }
            continuing {
              i++;
              break if i >= steps;
            }
          }
        } else {
          var i = 0u;
          loop {
            var q: array<Vec, 4>;
            for (var j = 0u; j < 4; j++) {
              q[j] = qBTHK[q_at[j] + ACROSS * e + i];
            }
            for (var u = 0u; u < QUADS; u++) {
              var mine: array<Vec, 4>;
              for (var r = 0u; r < 4; r++) {
                mine[r] = of_row(own_k[e][u][r], &kBTGK, k_at[u][r] + ACROSS * e, i);
              }
              for (var j = 0u; j < 4; j++) {
                score[u][j] = dots(mine, q[j], score[u][j]);
              }
            }
            continuing {
              i++;
              break if i >= steps;
            }
          }
        }
      }
      var dp = array<array<vec4f, 4>, QUADS>();
      if (WRITE_DK) {
        for (var e = 0u; e < V_EACH; e++) {
          let steps = select(0, min(ACROSS, V / WIDTH - ACROSS * e), t0 <= run.T);
          if (few) {
            var i = 0u;
            loop {
              let d = dOBTHV[dO_at.x + ACROSS * e + i];
              for (var u = 0u; u < QUADS; u++) {
                var mine: array<Vec, 4>;
                for (var r = 0u; r < 4; r++) {
                  mine[r] = of_row(own_v[e][u][r], &vBTGV, v_at[u][r] + ACROSS * e, i);
                }
                dp[u][0] = dots(mine, d, dp[u][0]);
              }
              continuing {
                i++;
                break if i >= steps;
              }
            }
          } else {
            var i = 0u;
            loop {
              var d: array<Vec, 4>;
              for (var j = 0u; j < 4; j++) {
                d[j] = dOBTHV[dO_at[j] + ACROSS * e + i];
              }
              for (var u = 0u; u < QUADS; u++) {
                var mine: array<Vec, 4>;
                for (var r = 0u; r < 4; r++) {
                  mine[r] = of_row(own_v[e][u][r], &vBTGV, v_at[u][r] + ACROSS * e, i);
                }
                for (var j = 0u; j < 4; j++) {
                  dp[u][j] = dots(mine, d[j], dp[u][j]);
                }
              }
              continuing {
                i++;
                break if i >= steps;
              }
            }
          }
        }
      }

      wait(); // the p and ds of the tile before have been taken
      var p: array<array<vec4f, 4>, QUADS>;
      var ds: array<array<vec4f, 4>, QUADS>;
      for (var j = 0u; j < 4; j++) {
        let lse = lseBTH[row[j] * H + h];
        let delta = deltaBTH[row[j] * H + h];
        for (var u = 0u; u < QUADS; u++) {
          let seen = sees4(vec4i(i32(t[j])), vec4i(s[u])) & vec4<bool>(t[j] < end);
          p[u][j] = select(vec4f(), exp(min(score[u][j] * scale - lse, vec4f())), seen); // min: no unseen score may overflow
          ds[u][j] = p[u][j] * (dp[u][j] - delta) * scale;
          give(p[u][j], 8 * u + j, x, y);
          give(ds[u][j], 8 * u + 4 + j, x, y);
        }
      }
      wait();
      let q_first = (run.Q_OFFSET + (batch + t0) * run.Q_STRIDE + h * K) / WIDTH;
      let dO_first = (run.DO_OFFSET + (batch + t0) * run.DO_STRIDE + h * V) / WIDTH;
      if (WRITE_DK) {
        if (few) {
          var other = 0u;
          loop {
            for (var i = 0u; i < K_EACH; i++) {
              let q = qBTHK[q_first + other * run.Q_STRIDE / WIDTH + min(x + ACROSS * i, K / WIDTH - 1)];
              for (var u = 0u; u < QUADS; u++) {
                let weight = taken(ds[u][0], 8 * u + 4, other, y);
                for (var r = 0u; r < 4; r++) {
                  dk[u][i][r] = fma(Vec(weight[r]), q, dk[u][i][r]);
                }
              }
            }
            continuing {
              other++;
              break if other >= end - t0;
            }
          }
        } else {
          var other = 0u;
          loop {
            for (var j = 0u; j < 4; j++) {
              let at = q_first + min(4 * other + j, end - t0 - 1) * run.Q_STRIDE / WIDTH;
              for (var i = 0u; i < K_EACH; i++) {
                let q = qBTHK[at + min(x + ACROSS * i, K / WIDTH - 1)];
                for (var u = 0u; u < QUADS; u++) {
                  let weight = taken(ds[u][j], 8 * u + 4 + j, other, y);
                  for (var r = 0u; r < 4; r++) {
                    dk[u][i][r] = fma(Vec(weight[r]), q, dk[u][i][r]);
                  }
                }
              }
            }
            continuing {
              other++;
              break if 4 * other >= min(ROWS, end - t0);
            }
          }
        }
      }
      if (WRITE_DV) {
        if (few) {
          var other = 0u;
          loop {
            for (var i = 0u; i < V_EACH; i++) {
              let d = dOBTHV[dO_first + other * run.DO_STRIDE / WIDTH + min(x + ACROSS * i, V / WIDTH - 1)];
              for (var u = 0u; u < QUADS; u++) {
                let weight = taken(p[u][0], 8 * u, other, y);
                for (var r = 0u; r < 4; r++) {
                  dv[u][i][r] = fma(Vec(weight[r]), d, dv[u][i][r]);
                }
              }
            }
            continuing {
              other++;
              break if other >= end - t0;
            }
          }
        } else {
          var other = 0u;
          loop {
            for (var j = 0u; j < 4; j++) {
              let at = dO_first + min(4 * other + j, end - t0 - 1) * run.DO_STRIDE / WIDTH;
              for (var i = 0u; i < V_EACH; i++) {
                let d = dOBTHV[at + min(x + ACROSS * i, V / WIDTH - 1)];
                for (var u = 0u; u < QUADS; u++) {
                  let weight = taken(p[u][j], 8 * u + j, other, y);
                  for (var r = 0u; r < 4; r++) {
                    dv[u][i][r] = fma(Vec(weight[r]), d, dv[u][i][r]);
                  }
                }
              }
            }
            continuing {
              other++;
              break if 4 * other >= min(ROWS, end - t0);
            }
          }
        }
      }
      continuing {
        t0 += ROWS;
        break if t0 >= end;
      }
    }
    continuing {
      h++;
      break if h == (g + 1) * (H / G);
    }
  }

  for (var u = 0u; u < QUADS; u++) {
    for (var r = 0u; r < 4; r++) {
      let key = s_first + 4 * (QUADS * y + u) + r;
      if (key > s_last) {
        continue;
      }
      if (WRITE_DK) {
        let at = (run.DK_OFFSET + (batch + key) * run.DK_STRIDE + g * K) / WIDTH;
        for (var i = 0u; i < K_EACH; i++) {
          let c = x + ACROSS * i;
          if (c < K / WIDTH) {
            dkBTGK[at + c] = select(dk[u][i][r], dk[u][i][r] + dkBTGK[at + c], ACCUMULATE);
          }
        }
      }
      if (WRITE_DV) {
        let at = (run.DV_OFFSET + (batch + key) * run.DV_STRIDE + g * V) / WIDTH;
        for (var i = 0u; i < V_EACH; i++) {
          let c = x + ACROSS * i;
          if (c < V / WIDTH) {
            dvBTGV[at + c] = select(dv[u][i][r], dv[u][i][r] + dvBTGV[at + c], ACCUMULATE);
          }
        }
      }
    }
  }
}
