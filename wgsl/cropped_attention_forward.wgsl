// o[t, h] = softmax over the keys s that t sees of (q[t, h] · k[s, g] / √K) · v[s, g] with g = h / (H / G), under the leaky mask of
// lib/cropped_pairs. lse[t, h] is the natural log of the row's sum of exponentials. Evidence, not a model: plain loops.
//
//   0  q    [B, T, H, K]  f32  read   rows Q_STRIDE apart
//   1  k    [B, T, G, K]  f32  read   rows K_STRIDE apart
//   2  v    [B, T, G, V]  f32  read   rows V_STRIDE apart
//   3  o    [B, T, H, V]  f32  write  rows O_STRIDE apart
//   4  lse  [B, T, H]     f32  write
//   5  run                     the block Run
//
// One invocation per query row. Bytes 4·B·T²·H·(2·K + V), flops 2·B·T²·H·(2·K + V).

struct Run {
  B: u32,
  T: u32,
  H: u32,
  G: u32,
  K: u32,
  V: u32,
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

@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> k: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<f32>;
@group(0) @binding(3) var<storage, read_write> o: array<f32>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;
@group(0) @binding(5) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= run.B * run.T * run.H) {
    return;
  }
  let h = id.x % run.H;
  let row = id.x / run.H;
  let t = row % run.T;
  let first = row - t;
  let g = h / (run.H / run.G);
  let q_at = run.Q_OFFSET + row * run.Q_STRIDE + h * run.K;
  let o_at = run.O_OFFSET + row * run.O_STRIDE + h * run.V;
  var highest = -1e30;
  for (var s = 0u; s < run.T; s++) {
    if (sees(t, s)) {
      highest = max(highest, score(q_at, run.K_OFFSET + (first + s) * run.K_STRIDE + g * run.K));
    }
  }
  for (var i = 0u; i < run.V; i++) {
    o[o_at + i] = 0.0;
  }
  var sum = 0.0;
  for (var s = 0u; s < run.T; s++) {
    if (sees(t, s)) {
      let p = exp(score(q_at, run.K_OFFSET + (first + s) * run.K_STRIDE + g * run.K) - highest);
      let v_at = run.V_OFFSET + (first + s) * run.V_STRIDE + g * run.V;
      sum += p;
      for (var i = 0u; i < run.V; i++) {
        o[o_at + i] += p * v[v_at + i];
      }
    }
  }
  for (var i = 0u; i < run.V; i++) {
    o[o_at + i] /= sum;
  }
  lse[id.x] = highest + log(sum);
}
