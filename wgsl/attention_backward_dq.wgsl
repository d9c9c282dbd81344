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
// Laid out as attention_forward: one workgroup takes ROWS = 4·DOWN neighbouring queries of one head through tiles of KEYS = 4·ACROSS keys,
// with ACROSS × DOWN invocations. Invocation (x, y) has the queries 4·y, …, 4·y + 3, the components of a vec4f. It makes their ds with the keys
// 4·x, …, 4·x + 3 of the tile, which the invocations of a row exchange, and adds up the Vecs x, x + ACROSS, … of its queries' dq. Tiles of keys
// that no query of the workgroup sees are never visited.
// Bytes 4·B·H·T·(3·K + 2·V) at least, flops 2·(2·K + V) for each visible pair: bound by multiply-adds.
//
// In front of this file: ACROSS, DOWN, K_EACH = ⌈K / (ACROSS · WIDTH)⌉, lib/exchange_workgroup or lib/exchange_subgroup, lib/vec4 or lib/vec1 (Vec, WIDTH, multiply_add), lib/sees (the mask above).

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
  CROP: u32,
}

const ROWS = 4 * DOWN;
const KEYS = 4 * ACROSS;
const SLOTS = 4u;

@group(0) @binding(0) var<storage, read> qBTHK: array<Vec>;
@group(0) @binding(1) var<storage, read> kBTGK: array<Vec>;
@group(0) @binding(2) var<storage, read> vBTGV: array<Vec>;
@group(0) @binding(3) var<storage, read> dOBTHV: array<Vec>;
@group(0) @binding(4) var<storage, read> lseBTH: array<f32>;
@group(0) @binding(5) var<storage, read> deltaBTH: array<f32>;
@group(0) @binding(6) var<storage, read_write> dqBTHK: array<Vec>;
@group(0) @binding(7) var<uniform> run: Run;

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
  let dO_at = (run.DO_OFFSET + (batch + t) * run.DO_STRIDE + h * V) / WIDTH;
  let of_row = (batch + t) * H + h;
  let lse = vec4f(lseBTH[of_row.x], lseBTH[of_row.y], lseBTH[of_row.z], lseBTH[of_row.w]);
  let delta = vec4f(deltaBTH[of_row.x], deltaBTH[of_row.y], deltaBTH[of_row.z], deltaBTH[of_row.w]);
  let scale = inverseSqrt(f32(K));
  var dq: array<array<Vec, 4>, K_EACH>;

  // Two stretches of keys: the meta prefix in front of the first query's window, then from that window to the last query.
  // Under the leaky mask (lib/sees) every tile is visited.
  let window_start = select(max(t_first + 1, run.WINDOW) - run.WINDOW, 0, run.WINDOW == 0 || run.CROP > 0);
  let keys_end = select(t_last + 1, run.T, run.CROP > 0);
  for (var stretch = 0u; stretch < 2; stretch++) {
    let start = select(window_start, 0, stretch == 0);
    let end = select(keys_end, min(run.META, window_start), stretch == 0);
    for (var s0 = start; s0 < end; s0 += KEYS) {
      // Always K / WIDTH and V / WIDTH, but not for the compiler, as in attention_forward: these loops have to stay loops.
      let k_steps = select(0, K / WIDTH, s0 < keys_end);
      let v_steps = select(0, V / WIDTH, s0 < keys_end);
      let s = s0 + 4 * x + vec4u(0, 1, 2, 3);
      let key = batch + min(s, vec4u(end - 1));
      let k_at = (run.K_OFFSET + key * run.K_STRIDE + g * K) / WIDTH;
      let v_at = (run.V_OFFSET + key * run.V_STRIDE + g * V) / WIDTH;
      var score = array(vec4f(), vec4f(), vec4f(), vec4f()); // q · k; zero has to be said in a loop, as in attention_forward
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
      // dO · v, added in the order of attention_backward_delta: where a query sees one key, o = v and dp − delta is exactly 0.
      var dp = array(vec4f(), vec4f(), vec4f(), vec4f());
      for (var i = 0u; i < v_steps; i++) {
        let d0 = dOBTHV[dO_at.x + i];
        let d1 = dOBTHV[dO_at.y + i];
        let d2 = dOBTHV[dO_at.z + i];
        let d3 = dOBTHV[dO_at.w + i];
        for (var j = 0u; j < 4; j++) {
          let v = vBTGV[v_at[j] + i];
          dp[j] = vec4f(
            multiply_add(d0, v, dp[j].x),
            multiply_add(d1, v, dp[j].y),
            multiply_add(d2, v, dp[j].z),
            multiply_add(d3, v, dp[j].w),
          );
        }
      }

      wait(); // the ds of the tile before have been taken
      var ds: array<vec4f, 4>;
      for (var j = 0u; j < 4; j++) {
        let seen = sees4(vec4i(t), vec4i(i32(s[j]))) & vec4<bool>(s[j] < end);
        let p = select(vec4f(), exp(min(score[j] * scale - lse, vec4f())), seen); // min: no unseen score may overflow
        ds[j] = p * (dp[j] - delta) * scale;
        give(ds[j], j, x, y);
      }
      wait();
      for (var other = 0u; 4 * other < min(KEYS, end - s0); other++) {
        for (var j = 0u; j < 4; j++) {
          let d = taken(ds[j], j, other, y);
          let at = (run.K_OFFSET + (batch + min(s0 + 4 * other + j, end - 1)) * run.K_STRIDE + g * K) / WIDTH;
          for (var i = 0u; i < K_EACH; i++) {
            let k = kBTGK[at + min(x + ACROSS * i, K / WIDTH - 1)];
            for (var r = 0u; r < 4; r++) {
              dq[i][r] = fma(Vec(d[r]), k, dq[i][r]);
            }
          }
        }
      }
    }
  }

  for (var r = 0u; r < 4; r++) {
    let row = t_first + 4 * y + r;
    if (row > t_last) {
      continue;
    }
    let at = (run.DQ_OFFSET + (batch + row) * run.DQ_STRIDE + h * K) / WIDTH;
    for (var i = 0u; i < K_EACH; i++) {
      if (x + ACROSS * i < K / WIDTH) {
        dqBTHK[at + x + ACROSS * i] = dq[i][r];
      }
    }
  }
}
