// o = Σ_s p[s]·v[s], p = softmax over the filled slots s of q · k[s] / √K; query head h with key head floor(h / (H / G)).
// Filled are position + 1 slots, with a window at most META + WINDOW. Their order does not matter.
//
//   0  qBHK      [B, 1, H, K]   f32  read   rows Q_STRIDE apart
//   1  kCache    [B, S, G, K]   f32  read
//   2  vCache    [B, S, G, Kv]  f32  read
//   3  position  [1]            u32  read   of all sequences, META included
//   4  oBHV      [B, 1, H, Kv]  f32  write  rows O_STRIDE apart
//
// One workgroup a head of a sequence, over tiles of SLOTS slots with a running maximum. Lanes are slots while scores are made, then
// columns of v: each lane adds up its columns (V_EACH, 64 apart) over the slots of the tile in order.
// Bytes 4·B·H·S·(K + Kv), flops 2·B·H·S·(K + Kv): bound by memory. V_EACH stands in front.

override S: u32;
override H: u32;
override G: u32;
override K: u32;
override KV: u32;
override WINDOW: u32;
override META: u32;
override Q_OFFSET: u32 = 0;
override Q_STRIDE: u32;
override O_OFFSET: u32 = 0;
override O_STRIDE: u32;

const SLOTS = 256u;

@group(0) @binding(0) var<storage, read> qBHK: array<f32>;
@group(0) @binding(1) var<storage, read> kCache: array<f32>;
@group(0) @binding(2) var<storage, read> vCache: array<f32>;
@group(0) @binding(3) var<storage, read> position: array<u32>;
@group(0) @binding(4) var<storage, read_write> oBHV: array<f32>;

var<workgroup> weights: array<f32, SLOTS>; // scores, then their exponentials
var<workgroup> highest_of: array<f32, 64>; // lane

fn score(q: u32, k: u32) -> f32 {
  var sum = 0.0;
  for (var i = 0u; i < K; i++) {
    sum = fma(qBHK[q + i], kCache[k + i], sum);
  }
  return sum / sqrt(f32(K));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let h = group.x;
  let b = group.y;
  let g = h / (H / G);
  var filled = min(position[0] + 1, S);
  if (WINDOW > 0) {
    filled = min(filled, META + WINDOW);
  }
  var highest = -1e30;
  var total = 0.0;
  var o: array<f32, V_EACH>;
  for (var first = 0u; first < filled; first += SLOTS) {
    let slots = min(SLOTS, filled - first);
    var mine = highest;
    for (var s = lane; s < slots; s += 64) {
      let value = score(Q_OFFSET + b * Q_STRIDE + h * K, ((b * S + first + s) * G + g) * K);
      weights[s] = value;
      mine = max(mine, value);
    }
    highest_of[lane] = mine;
    workgroupBarrier();
    for (var other = 0u; other < 64; other++) {
      mine = max(mine, highest_of[other]);
    }
    for (var s = lane; s < slots; s += 64) {
      weights[s] = exp(weights[s] - mine);
    }
    let shrink = exp(highest - mine);
    highest = mine;
    total *= shrink;
    for (var i = 0u; i < V_EACH; i++) {
      o[i] *= shrink;
    }
    workgroupBarrier();
    for (var s = 0u; s < slots; s++) {
      let weight = weights[s];
      let v = ((b * S + first + s) * G + g) * KV;
      total += weight;
      for (var i = 0u; i < V_EACH; i++) {
        o[i] = fma(weight, vCache[v + min(lane + 64 * i, KV - 1)], o[i]);
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < V_EACH; i++) {
    if (lane + 64 * i < KV) {
      oBHV[O_OFFSET + b * O_STRIDE + h * KV + lane + 64 * i] = o[i] / total;
    }
  }
}
