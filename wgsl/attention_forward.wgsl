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
// One workgroup takes ROWS = 4·DOWN neighbouring queries of one head through tiles of KEYS = 4·ACROSS keys, with ACROSS × DOWN
// invocations: 8 × 8 on GPUs, one subgroup × 1 on software adapters. Invocation (x, y) has the queries 4·y, …, 4·y + 3, which are the four
// components of a vec4f. It makes their scores with the keys 4·x, …, 4·x + 3 of the tile; the invocations of a row exchange their maxima and
// then their exp(score − highest); and it adds up the Vecs x, x + ACROSS, … of its queries' o (a Vec is 4 numbers where rows allow it,
// else 1). Each number that is fetched serves 4 multiplications. Tiles of keys that no query of the workgroup sees are never visited: work
// is proportional to T·(WINDOW + META), or to T²/2 without a window.
// Bytes 4·B·H·T·(2·K + 2·V) at least, flops 2·(K + V) for each visible pair: bound by multiply-adds.
//
// In front of this file: ACROSS, DOWN, V_EACH = ⌈V / (ACROSS · WIDTH)⌉, lib/exchange_workgroup or lib/exchange_subgroup (what a row shares),
// lib/vec4 or lib/vec1 (Vec, WIDTH, multiply_add), lib/sees (the mask above).

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
  CROP: u32,
}

const ROWS = 4 * DOWN;
const KEYS = 4 * ACROSS;
const SLOTS = 4u;
const UNSEEN = -1e30; // below every score; −∞ would make NaN in differences

@group(0) @binding(0) var<storage, read> qBTHK: array<Vec>;
@group(0) @binding(1) var<storage, read> kBTGK: array<Vec>;
@group(0) @binding(2) var<storage, read> vBTGV: array<Vec>;
@group(0) @binding(3) var<storage, read_write> oBTHV: array<Vec>;
@group(0) @binding(4) var<storage, read_write> lseBTH: array<f32>;
@group(0) @binding(5) var<uniform> run: Run;

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
  let t = min(vec4u(t_first + 4 * y) + vec4u(0, 1, 2, 3), vec4u(t_last));
  let q_at = (run.Q_OFFSET + (batch + t) * run.Q_STRIDE + h * K) / WIDTH;

  var o: array<array<Vec, 4>, V_EACH>;
  var highest = vec4f(UNSEEN);
  var total = vec4f(); // of the keys of this invocation only

  // Two stretches of keys: the meta prefix in front of the first query's window, then from that window to the last query.
  // Under the leaky mask (lib/sees) every tile is visited.
  let window_start = select(max(t_first + 1, run.WINDOW) - run.WINDOW, 0, run.WINDOW == 0 || run.CROP > 0);
  let keys_end = select(t_last + 1, run.T, run.CROP > 0);
  for (var stretch = 0u; stretch < 2; stretch++) {
    let start = select(window_start, 0, stretch == 0);
    let end = select(keys_end, min(run.META, window_start), stretch == 0);
    for (var s0 = start; s0 < end; s0 += KEYS) {
      // Always K / WIDTH, but not for the compiler: these loops have to stay loops. Software adapters compile unrolled ones for half a minute.
      let k_steps = select(0, K / WIDTH, s0 < keys_end);
      let s = s0 + 4 * x + vec4u(0, 1, 2, 3);
      let k_at = (run.K_OFFSET + (batch + min(s, vec4u(end - 1))) * run.K_STRIDE + g * K) / WIDTH;
      // Scores of four queries (the components) with four keys. Said outright to be zero: a variable of a loop that is declared
      // without a value keeps the last round's on some adapters.
      var score = array(vec4f(), vec4f(), vec4f(), vec4f());
      for (var i = 0u; i < k_steps; i++) {
        let q0 = qBTHK[q_at.x + i];
        let q1 = qBTHK[q_at.y + i];
        let q2 = qBTHK[q_at.z + i];
        let q3 = qBTHK[q_at.w + i];
        for (var j = 0u; j < 4; j++) {
          let k = kBTGK[k_at[j] + i];
          score[j] = vec4f(
            multiply_add(q0, k, score[j].x),
            multiply_add(q1, k, score[j].y),
            multiply_add(q2, k, score[j].z),
            multiply_add(q3, k, score[j].w),
          );
        }
      }

      var higher = highest;
      for (var j = 0u; j < 4; j++) {
        let seen = sees4(vec4i(t), vec4i(i32(s[j]))) & vec4<bool>(s[j] < end);
        score[j] = select(vec4f(UNSEEN), score[j] * inverseSqrt(f32(K)), seen);
        higher = max(higher, score[j]);
      }
      higher = row_max(higher, x, y);
      let shrink = exp(highest - higher);
      highest = higher;
      total *= shrink;
      var weight: array<vec4f, 4>; // exp(score − highest)
      for (var j = 0u; j < 4; j++) {
        weight[j] = select(exp(score[j] - highest), vec4f(), score[j] == vec4f(UNSEEN));
        total += weight[j];
        give(weight[j], j, x, y);
      }
      wait();

      for (var i = 0u; i < V_EACH; i++) {
        for (var r = 0u; r < 4; r++) {
          o[i][r] *= shrink[r];
        }
      }
      for (var other = 0u; 4 * other < min(KEYS, end - s0); other++) {
        for (var j = 0u; j < 4; j++) {
          let p = taken(weight[j], j, other, y);
          let v_at = (run.V_OFFSET + (batch + min(s0 + 4 * other + j, end - 1)) * run.V_STRIDE + g * V) / WIDTH;
          for (var i = 0u; i < V_EACH; i++) {
            let v = vBTGV[v_at + min(x + ACROSS * i, V / WIDTH - 1)];
            for (var r = 0u; r < 4; r++) {
              o[i][r] = fma(Vec(p[r]), v, o[i][r]);
            }
          }
        }
      }
    }
  }

  total = row_sum(total, x, y);
  for (var r = 0u; r < 4; r++) {
    let row = t_first + 4 * y + r;
    if (row > t_last) {
      continue;
    }
    let o_at = (run.O_OFFSET + (batch + row) * run.O_STRIDE + h * V) / WIDTH;
    for (var i = 0u; i < V_EACH; i++) {
      if (x + ACROSS * i < V / WIDTH) {
        oBTHV[o_at + x + ACROSS * i] = o[i][r] / total[r];
      }
    }
    if (x == 0) {
      lseBTH[(batch + row) * H + h] = highest[r] + log(total[r]);
    }
  }
}
