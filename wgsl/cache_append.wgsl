// kCache[b, slot] = k[b], vCache[b, slot] = v[b], where slot is the position if there is no window or position < META.
// Otherwise the slots after META are a ring of WINDOW slots: slot = META + (position − META) mod WINDOW.
//
//   0  kBGK      [B, 1, G, K]   f32  read            rows K_STRIDE apart
//   1  vBGV      [B, 1, G, Kv]  f32  read            rows V_STRIDE apart
//   2  position  [B]            u32  read            counted with the META positions
//   3  kCache    [B, S, G, K]   f32  read and write  other slots keep their values
//   4  vCache    [B, S, G, Kv]  f32  read and write
//
// One invocation per column of k, of v, or of both; neighbours read neighbours. Bytes 8·B·G·(K + Kv), no flops: bound by memory.

override S: u32;
override K_COLUMNS: u32; // G·K
override V_COLUMNS: u32; // G·Kv
override WINDOW: u32;
override META: u32;
override K_OFFSET: u32 = 0;
override K_STRIDE: u32;
override V_OFFSET: u32 = 0;
override V_STRIDE: u32;

@group(0) @binding(0) var<storage, read> kBGK: array<f32>;
@group(0) @binding(1) var<storage, read> vBGV: array<f32>;
@group(0) @binding(2) var<storage, read> position: array<u32>;
@group(0) @binding(3) var<storage, read_write> kCache: array<f32>;
@group(0) @binding(4) var<storage, read_write> vCache: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let column = id.x;
  let b = id.y;
  var slot = position[b];
  if (WINDOW > 0 && slot >= META) {
    slot = META + (slot - META) % max(WINDOW, 1u);
  }
  if (slot >= S) {
    return; // this row would belong to the next sequence
  }
  if (column < K_COLUMNS) {
    kCache[(b * S + slot) * K_COLUMNS + column] = kBGK[K_OFFSET + b * K_STRIDE + column];
  }
  if (column < V_COLUMNS) {
    vCache[(b * S + slot) * V_COLUMNS + column] = vBGV[V_OFFSET + b * V_STRIDE + column];
  }
}
