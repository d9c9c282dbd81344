// kCache[b, slot] = k[b, t], vCache[b, slot] = v[b, t] for the first count[b] positions start[b] + t, with slots as in cache_append. Of
// positions that share a slot of the ring the last is written.
//
//   0  kBTGK   [B, T, G, K]   f32  read            rows K_STRIDE apart
//   1  vBTGV   [B, T, G, Kv]  f32  read            rows V_STRIDE apart
//   2  startB  [B]            u32  read            counted with the META positions
//   3  countB  [B]            u32  read
//   4  kCache  [B, S, G, K]   f32  read and write  other slots keep their values
//   5  vCache  [B, S, G, Kv]  f32  read and write
//   6  run                    the block Run
//
// One invocation per column of k, of v, or of both; neighbours read neighbours. Bytes 8·B·T·G·(K + Kv), no flops: bound by memory.

override K_COLUMNS: u32; // G·K
override V_COLUMNS: u32; // G·Kv

struct Run {
  T: u32,
  S: u32,
  WINDOW: u32,
  META: u32,
  K_OFFSET: u32,
  K_STRIDE: u32,
  V_OFFSET: u32,
  V_STRIDE: u32,
}

@group(0) @binding(0) var<storage, read> kBTGK: array<f32>;
@group(0) @binding(1) var<storage, read> vBTGV: array<f32>;
@group(0) @binding(2) var<storage, read> startB: array<u32>;
@group(0) @binding(3) var<storage, read> countB: array<u32>;
@group(0) @binding(4) var<storage, read_write> kCache: array<f32>;
@group(0) @binding(5) var<storage, read_write> vCache: array<f32>;
@group(0) @binding(6) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let column = id.x;
  let t = id.y;
  let b = id.z;
  if (t >= countB[b]) {
    return;
  }
  var slot = startB[b] + t;
  if (run.WINDOW > 0 && slot >= run.META) {
    if (t + run.WINDOW < countB[b]) {
      return; // a later position of this chunk has the same slot
    }
    slot = run.META + (slot - run.META) % max(run.WINDOW, 1u);
  }
  if (slot >= run.S) {
    return; // this row would belong to the next sequence
  }
  let row = b * run.T + t;
  if (column < K_COLUMNS) {
    kCache[(b * run.S + slot) * K_COLUMNS + column] = kBTGK[run.K_OFFSET + row * run.K_STRIDE + column];
  }
  if (column < V_COLUMNS) {
    vCache[(b * run.S + slot) * V_COLUMNS + column] = vBTGV[run.V_OFFSET + row * run.V_STRIDE + column];
  }
}
