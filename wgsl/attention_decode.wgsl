// o = Σ_s p[s]·v[s], p = softmax over the filled slots s of q · k[s] / √K; query head h with key head floor(h / (H / G)).
// Filled are position + 1 slots, with a window at most META + WINDOW. Their order does not matter.
//
//   0  qBHK      [B, 1, H, K]   f32  read   rows Q_STRIDE apart
//   1  kCache    [B, S, G, K]   f32  read
//   2  vCache    [B, S, G, Kv]  f32  read
//   3  position  [B]            u32  read   META included
//   4  oBHV      [B, 1, H, Kv]  f32  write  rows O_STRIDE apart
//
// One workgroup a head of a sequence, over tiles of slots with a running maximum. For the scores a lane takes EACH slots and walks
// through K once. For the values GROUPS groups of lanes take the slots in turn, a lane of a group V_EACH Vecs of columns; at the
// end the sums of the groups are added in order. Numbers are read as Vecs (lib/vec4 or lib/vec1).
// Bytes 4·B·H·S·(K + Kv), flops 2·B·H·S·(K + Kv): bound by memory. GROUPS and V_EACH stand in front.

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

const LANES = 64u;
const EACH = 4u;
const SLOTS = LANES * EACH; // of a tile
const COLUMN_LANES = LANES / GROUPS;

@group(0) @binding(0) var<storage, read> qBHK: array<Vec>;
@group(0) @binding(1) var<storage, read> kCache: array<Vec>;
@group(0) @binding(2) var<storage, read> vCache: array<Vec>;
@group(0) @binding(3) var<storage, read> position: array<u32>;
@group(0) @binding(4) var<storage, read_write> oBHV: array<Vec>;

var<workgroup> weights: array<f32, SLOTS>;
var<workgroup> highest_of: array<f32, LANES>;
var<workgroup> total_of: array<f32, GROUPS>;
var<workgroup> o_of: array<Vec, LANES * V_EACH>; // [group][V_EACH][column lane]

/// q · k / √K of the slots first + lane, first + lane + LANES, …; −1e30 from `filled` on. `base` is slot 0 of the head's sequence.
fn scores(q: u32, base: u32, first: u32, filled: u32) -> array<f32, EACH> {
  var k: array<u32, EACH>;
  var sums: array<f32, EACH>;
  for (var j = 0u; j < EACH; j++) {
    k[j] = (base + min(first + j * LANES, filled - 1) * G) * K / WIDTH;
  }
  for (var i = 0u; i < K / WIDTH; i++) {
    let query = qBHK[q + i];
    for (var j = 0u; j < EACH; j++) {
      sums[j] = multiply_add(query, kCache[k[j] + i], sums[j]);
    }
  }
  for (var j = 0u; j < EACH; j++) {
    sums[j] = select(-1e30, sums[j] / sqrt(f32(K)), first + j * LANES < filled);
  }
  return sums;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let h = group.x;
  let b = group.y;
  let base = b * S * G + h / (H / G);
  let q = (Q_OFFSET + b * Q_STRIDE + h * K) / WIDTH;
  let part = lane / COLUMN_LANES;
  let column = lane % COLUMN_LANES;
  let columns = KV / WIDTH;
  var filled = min(position[b] + 1, S);
  if (WINDOW > 0) {
    filled = min(filled, META + WINDOW);
  }
  var highest = -1e30;
  var total = 0.0;
  var o: array<Vec, V_EACH>;
  for (var first = 0u; first < filled; first += SLOTS) {
    var mine = scores(q, base, first + lane, filled);
    highest_of[lane] = max(max(mine[0], mine[1]), max(mine[2], mine[3]));
    workgroupBarrier();
    var higher = highest;
    for (var other = 0u; other < LANES; other++) {
      higher = max(higher, highest_of[other]);
    }
    for (var j = 0u; j < EACH; j++) {
      weights[lane + j * LANES] = exp(mine[j] - higher);
    }
    let shrink = exp(highest - higher);
    highest = higher;
    total *= shrink;
    for (var i = 0u; i < V_EACH; i++) {
      o[i] *= shrink;
    }
    workgroupBarrier();
    let slots = min(SLOTS, filled - first);
    for (var s = part; s < slots; s += GROUPS) {
      let weight = weights[s];
      let v = (base + (first + s) * G) * columns;
      total += weight;
      for (var i = 0u; i < V_EACH; i++) {
        o[i] = fma(Vec(weight), vCache[v + min(column + i * COLUMN_LANES, columns - 1)], o[i]);
      }
    }
    workgroupBarrier(); // the weights have been read
  }

  total_of[part] = total; // all lanes of a group have the same
  for (var i = 0u; i < V_EACH; i++) {
    o_of[(part * V_EACH + i) * COLUMN_LANES + column] = o[i];
  }
  workgroupBarrier();
  total = 0.0;
  for (var other = 0u; other < GROUPS; other++) {
    total += total_of[other];
  }
  for (var at = lane; at < columns; at += LANES) {
    var sum = Vec(0.0);
    for (var other = 0u; other < GROUPS; other++) {
      sum += o_of[other * V_EACH * COLUMN_LANES + at];
    }
    oBHV[(O_OFFSET + b * O_STRIDE + h * KV) / WIDTH + at] = sum / total;
  }
}
