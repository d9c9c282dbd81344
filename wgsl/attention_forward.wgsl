// o = softmax(q · kᵀ / √K + mask) · v and lse = log Σ exp(score): causal attention in one pass over the keys; no score is stored.
// Query t sees key s when s ≤ t and (WINDOW = 0 or t − s < WINDOW or s < META). Query head h uses key head h / (H / G).
//
//   0  qBTHK   [B, T, H, K]  f32  read   rows of H·K, Q_STRIDE apart
//   1  kBTGK   [B, T, G, K]  f32  read   rows of G·K, K_STRIDE apart
//   2  vBTGV   [B, T, G, V]  f32  read   rows of G·V, V_STRIDE apart
//   3  oBTHV   [B, T, H, V]  f32  write  rows of H·V, O_STRIDE apart
//   4  lseBTH  [B, T, H]     f32  write
//   5  run                    the block Run
//
// The softmax of a row is built up as the keys go by: `highest` is the largest score so far, total = Σ exp(score − highest), and
// o = Σ exp(score − highest) · v. When a score exceeds `highest`, total and o shrink by exp(old − new). At the end o is divided by
// total, and lse = highest + log(total). This is exact, and needs each key once.
//
// One workgroup takes ROWS = 4·QUADS·DOWN neighbouring queries of one head through tiles of KEYS = 4·ACROSS keys, with ACROSS × DOWN
// invocations: 8 × 8 on GPUs, one subgroup × 1 with two quads on software adapters. Invocation (x, y) has QUADS quads of queries, which are
// the four components of a vec4f each. It makes their scores with the keys 4·x, …, 4·x + 3 of the tile; the invocations of a row exchange
// their maxima and then their exp(score − highest); and it adds up the Vecs x, x + ACROSS, … of its queries' o (a Vec is 4 numbers where
// rows allow it, else 1). Each number that is fetched serves 4·QUADS multiplications. Tiles of keys that no query of the workgroup sees are
// never visited: work is proportional to T·(WINDOW + META), or to T²/2 without a window. Where ACROSS keys or fewer are left each
// invocation takes one of them, a quarter of a tile.
// Bytes 4·B·H·T·(2·K + 2·V) at least, flops 2·(K + V) for each visible pair: bound by loads on software adapters, else by multiply-adds.
//
// In front of this file: ACROSS, DOWN, QUADS, K_EACH = ⌈K / (ACROSS · WIDTH)⌉, V_EACH = ⌈V / (ACROSS · WIDTH)⌉, lib/exchange_workgroup or
// lib/exchange_subgroup (what a row shares), lib/vec4 or lib/vec1 (Vec, WIDTH, multiply_add), lib/sees (the mask above).

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
  O_OFFSET: u32,
  O_STRIDE: u32,
  WINDOW: u32,
  META: u32,
}

const ROWS = 4 * QUADS * DOWN;
const KEYS = 4 * ACROSS;
const SLOTS = 4 * QUADS;
const UNSEEN = -1e30; // below every score; −∞ would make NaN in differences

@group(0) @binding(0) var<storage, read> qBTHK: array<Vec>;
@group(0) @binding(1) var<storage, read> kBTGK: array<Vec>;
@group(0) @binding(2) var<storage, read> vBTGV: array<Vec>;
@group(0) @binding(3) var<storage, read_write> oBTHV: array<Vec>;
@group(0) @binding(4) var<storage, read_write> lseBTH: array<f32>;
@group(0) @binding(5) var<uniform> run: Run;

/// sums + q · k of four queries and one key.
fn dots(q: array<Vec, 4>, k: Vec, sums: vec4f) -> vec4f {
  return vec4f(multiply_add(q[0], k, sums.x), multiply_add(q[1], k, sums.y), multiply_add(q[2], k, sums.z), multiply_add(q[3], k, sums.w));
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
  // The queries of this invocation; those after t_last repeat it, because every invocation has to reach the barriers.
  var t: array<vec4u, QUADS>;
  var q_at: array<vec4u, QUADS>;
  var own: array<array<array<Vec, 4>, QUADS>, K_EACH>; // Vecs x, x + ACROSS, … of their q
  for (var u = 0u; u < QUADS; u++) {
    t[u] = min(vec4u(t_first + 4 * (QUADS * y + u)) + vec4u(0, 1, 2, 3), vec4u(t_last));
    q_at[u] = (run.Q_OFFSET + (batch + t[u]) * run.Q_STRIDE + h * K) / WIDTH;
    for (var e = 0u; e < K_EACH; e++) {
      for (var r = 0u; r < 4; r++) {
        own[e][u][r] = qBTHK[q_at[u][r] + min(x + ACROSS * e, K / WIDTH - 1)];
      }
    }
  }

  var o: array<array<array<Vec, 4>, V_EACH>, QUADS>;
  var highest: array<vec4f, QUADS>;
  var total: array<vec4f, QUADS>; // of the keys of this invocation only
  for (var u = 0u; u < QUADS; u++) {
    highest[u] = vec4f(UNSEEN);
  }

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
    let k_at = (run.K_OFFSET + (batch + min(s, vec4u(end - 1))) * run.K_STRIDE + g * K) / WIDTH;
    // Scores of four queries (the components) with four keys. Said outright to be zero: a variable of a loop that is declared
    // without a value keeps the last round's on some adapters.
    var score = array<array<vec4f, 4>, QUADS>();
    for (var e = 0u; e < K_EACH; e++) {
      // Always ACROSS, or what is left of K, but not for the compiler: these loops have to stay loops. Software adapters compile
      // unrolled ones for half a minute, and run them from beyond the processor's cache of instructions. They end at their foot: one
      // that is left at its head costs lavapipe one more round, with all lanes switched off.
      let steps = select(0, min(ACROSS, K / WIDTH - ACROSS * e), s0 < keys_end);
      if (few) {
        var i = 0u;
        loop {
          let k = kBTGK[k_at.x + ACROSS * e + i];
          for (var u = 0u; u < QUADS; u++) {
            var q: array<Vec, 4>;
            for (var r = 0u; r < 4; r++) {
              q[r] = of_row(own[e][u][r], &qBTHK, q_at[u][r] + ACROSS * e, i);
            }
            score[u][0] = dots(q, k, score[u][0]);
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
            var q: array<Vec, 4>;
            for (var r = 0u; r < 4; r++) {
              q[r] = of_row(own[e][u][r], &qBTHK, q_at[u][r] + ACROSS * e, i);
            }
            for (var j = 0u; j < 4; j++) {
              score[u][j] = dots(q, k[j], score[u][j]);
            }
          }
          continuing {
            i++;
            break if i >= steps;
          }
        }
      }
    }

    var weight: array<array<vec4f, 4>, QUADS>; // exp(score − highest)
    for (var u = 0u; u < QUADS; u++) {
      var higher = highest[u];
      for (var j = 0u; j < 4; j++) {
        let seen = sees4(vec4i(t[u]), vec4i(i32(s[j]))) & vec4<bool>(s[j] < end);
        score[u][j] = select(vec4f(UNSEEN), score[u][j] * inverseSqrt(f32(K)), seen);
        higher = max(higher, score[u][j]);
      }
      higher = row_max(higher, x, y);
      let shrink = exp(highest[u] - higher);
      highest[u] = higher;
      total[u] *= shrink;
      for (var j = 0u; j < 4; j++) {
        weight[u][j] = select(exp(score[u][j] - higher), vec4f(), score[u][j] == vec4f(UNSEEN));
        total[u] += weight[u][j];
        give(weight[u][j], 4 * u + j, x, y);
      }
      for (var i = 0u; i < V_EACH; i++) {
        for (var r = 0u; r < 4; r++) {
          o[u][i][r] *= shrink[r];
        }
      }
    }
    wait();

    let v_first = (run.V_OFFSET + (batch + s0) * run.V_STRIDE + g * V) / WIDTH;
    if (few) {
      var other = 0u;
      loop {
        for (var i = 0u; i < V_EACH; i++) {
          let v = vBTGV[v_first + other * run.V_STRIDE / WIDTH + min(x + ACROSS * i, V / WIDTH - 1)];
          for (var u = 0u; u < QUADS; u++) {
            let p = taken(weight[u][0], 4 * u, other, y);
            for (var r = 0u; r < 4; r++) {
              o[u][i][r] = fma(Vec(p[r]), v, o[u][i][r]);
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
          let v_at = v_first + min(4 * other + j, end - s0 - 1) * run.V_STRIDE / WIDTH;
          for (var i = 0u; i < V_EACH; i++) {
            let v = vBTGV[v_at + min(x + ACROSS * i, V / WIDTH - 1)];
            for (var u = 0u; u < QUADS; u++) {
              let p = taken(weight[u][j], 4 * u + j, other, y);
              for (var r = 0u; r < 4; r++) {
                o[u][i][r] = fma(Vec(p[r]), v, o[u][i][r]);
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
    let sum = row_sum(total[u], x, y);
    for (var r = 0u; r < 4; r++) {
      let row = t_first + 4 * (QUADS * y + u) + r;
      if (row > t_last) {
        continue;
      }
      let o_at = (run.O_OFFSET + (batch + row) * run.O_STRIDE + h * V) / WIDTH;
      for (var i = 0u; i < V_EACH; i++) {
        if (x + ACROSS * i < V / WIDTH) {
          oBTHV[o_at + x + ACROSS * i] = o[u][i][r] / sum[r];
        }
      }
      if (x == 0) {
        lseBTH[(batch + row) * H + h] = highest[u][r] + log(sum[r]);
      }
    }
  }
}
