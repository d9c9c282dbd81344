// p[h, t, s] = exp(q[t, h] · k[s, g] / √K − lse[t, h]) with g = h / (H / G) where position t sees s, else 0; batch row 0 only.
//
//   0  qTHK   [T, H, K]  f32  read   rows Q_STRIDE apart
//   1  kTGK   [T, G, K]  f32  read   rows K_STRIDE apart
//   2  lseTH  [T, H]     f32  read   natural log of each row's sum of exponentials
//   3  pHTT   [H, T, T]  f32  write
//   4  run                    the block Run
//
// One invocation per probability; neighbours share a query. Made for a figure, not for speed.
// Bytes 4·H·T², flops 2·H·T²·K.

override H: u32;
override G: u32;
override K: u32;

// Sizes and places, in elements. They come with each launch, so one compilation serves every length, mask and layout.
struct Run {
  T: u32,
  Q_OFFSET: u32,
  Q_STRIDE: u32,
  K_OFFSET: u32,
  K_STRIDE: u32,
  WINDOW: u32,
  META: u32,
}

@group(0) @binding(0) var<storage, read> qTHK: array<f32>;
@group(0) @binding(1) var<storage, read> kTGK: array<f32>;
@group(0) @binding(2) var<storage, read> lseTH: array<f32>;
@group(0) @binding(3) var<storage, read_write> pHTT: array<f32>;
@group(0) @binding(4) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = (group.y * groups.x + group.x) * 64 + lane;
  if (at >= H * run.T * run.T) {
    return;
  }
  let s = at % run.T;
  let t = at / run.T % run.T;
  let h = at / (run.T * run.T);
  var p = 0.0;
  if (sees(t, s)) {
    let q0 = run.Q_OFFSET + t * run.Q_STRIDE + h * K;
    let k0 = run.K_OFFSET + s * run.K_STRIDE + h / (H / G) * K;
    var score = 0.0;
    for (var i = 0u; i < K; i++) {
      score += qTHK[q0 + i] * kTGK[k0 + i];
    }
    p = exp(score * inverseSqrt(f32(K)) - lseTH[t * H + h]);
  }
  pHTT[at] = p;
}
