// Gradients of cropped_attention_forward. With p = exp(score − lse), dp = dO · v and delta = dO · o:
// ds = p · (dp − delta) / √K, dq[t] = Σ_s ds · k[s], dk[s] = Σ_t ds · q[t], dv[s] = Σ_t p · dO[t], over the pairs that see each other.
// Evidence, not a model: plain loops. PART chooses what this launch writes: 0 dq, 1 dk, 2 dv.
//
//   0  q       [B, T, H, K]  f32  read   rows Q_STRIDE apart
//   1  k       [B, T, G, K]  f32  read   rows K_STRIDE apart
//   2  v       [B, T, G, V]  f32  read   rows V_STRIDE apart
//   3  o       [B, T, H, V]  f32  read   rows O_STRIDE apart
//   4  lse     [B, T, H]     f32  read
//   5  dO      [B, T, H, V]  f32  read   rows DO_STRIDE apart
//   6  out     dq, dk or dv  f32  write  rows OUT_STRIDE apart, added to with ACCUMULATE
//   7  run                        the block Run
//
// One invocation per row of `out`: a query row of a head, or a key row of a key head with all queries of its heads.
// Bytes 4·B·T²·H·(K + 2·V) a part, flops 2·B·T²·H·(2·K + V) a part, (K + V) for dv.

override PART: u32;

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
  DO_OFFSET: u32,
  DO_STRIDE: u32,
  OUT_OFFSET: u32,
  OUT_STRIDE: u32,
  WINDOW: u32,
  META: u32,
  CROP: u32,
  ACCUMULATE: u32,
}

@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> k: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<f32>;
@group(0) @binding(3) var<storage, read> o: array<f32>;
@group(0) @binding(4) var<storage, read> lse: array<f32>;
@group(0) @binding(5) var<storage, read> dO: array<f32>;
@group(0) @binding(6) var<storage, read_write> out: array<f32>;
@group(0) @binding(7) var<uniform> run: Run;

/// Adds what the pair of query row `row`, head h, and key row `key` gives to the row of `out` at `to`.
fn add_pair(row: u32, h: u32, key: u32, to: u32) {
  let g = h / (run.H / run.G);
  let q_at = run.Q_OFFSET + row * run.Q_STRIDE + h * run.K;
  let k_at = run.K_OFFSET + key * run.K_STRIDE + g * run.K;
  let v_at = run.V_OFFSET + key * run.V_STRIDE + g * run.V;
  let o_at = run.O_OFFSET + row * run.O_STRIDE + h * run.V;
  let dO_at = run.DO_OFFSET + row * run.DO_STRIDE + h * run.V;
  let p = exp(score(q_at, k_at) - lse[row * run.H + h]);
  if (PART == 2) {
    for (var i = 0u; i < run.V; i++) {
      out[to + i] += p * dO[dO_at + i];
    }
    return;
  }
  var above = 0.0;
  for (var i = 0u; i < run.V; i++) {
    above += dO[dO_at + i] * (v[v_at + i] - o[o_at + i]);
  }
  let ds = p * above * inverseSqrt(f32(run.K));
  for (var i = 0u; i < run.K; i++) {
    out[to + i] += ds * select(q[q_at + i], k[k_at + i], PART == 0);
  }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let heads = select(run.G, run.H, PART == 0);
  if (id.x >= run.B * run.T * heads) {
    return;
  }
  let head = id.x % heads;
  let row = id.x / heads;
  let at = row % run.T;
  let first = row - at;
  let columns = select(run.K, run.V, PART == 2);
  let to = run.OUT_OFFSET + row * run.OUT_STRIDE + head * columns;
  if (run.ACCUMULATE == 0) {
    for (var i = 0u; i < columns; i++) {
      out[to + i] = 0.0;
    }
  }
  let shared_by = run.H / run.G;
  for (var other = 0u; other < run.T; other++) {
    if (PART == 0) {
      if (sees(at, other)) {
        add_pair(row, head, first + other, to);
      }
    } else if (sees(other, at)) {
      for (var h = head * shared_by; h < (head + 1) * shared_by; h++) {
        add_pair(first + other, h, row, to);
      }
    }
  }
}
