// o = Σ_s p[s]·v[s], p = softmax over the filled slots s of q · k[s] / √K; query head h with key head floor(h / (H / G)).
// Filled are position + 1 slots, with a window at most META + WINDOW. Their order does not matter.
//
//   0  qBHK      [B, 1, H, K]   f32  read   rows Q_STRIDE apart
//   1  kCache    [B, S, G, K]   f32  read
//   2  vCache    [B, S, G, Kv]  f32  read
//   3  position  [B]            u32  read   META included
//   4  oBHV      [B, 1, H, Kv]  f32  write  rows O_STRIDE apart
//
// One workgroup per head of a sequence, in tiles of slots as in lib/attention_groups. A lane reads K once for its slots.
// Numbers are read as Vecs (lib/vec4 or lib/vec1). Bytes 4·B·H·S·(K + Kv), flops 2·B·H·S·(K + Kv): bound by memory.
//
// Inserted before this file: lib/vec4 or lib/vec1, and lib/attention_groups.

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

@group(0) @binding(0) var<storage, read> qBHK: array<Vec>;
@group(0) @binding(1) var<storage, read> kCache: array<Vec>;
@group(0) @binding(2) var<storage, read> vCache: array<Vec>;
@group(0) @binding(3) var<storage, read> position: array<u32>;
@group(0) @binding(4) var<storage, read_write> oBHV: array<Vec>;

/// q · k / √K of the slots first + lane, first + lane + LANES, …; UNSEEN from `filled` on. `base` is slot 0 of the head's sequence.
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
    sums[j] = select(UNSEEN, sums[j] / sqrt(f32(K)), first + j * LANES < filled);
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
  var softmax = Softmax(UNSEEN, 0.0, array<Vec, V_EACH>());
  for (var first = 0u; first < filled; first += KEYS) {
    weigh(&softmax, scores(q, base, first + lane, filled), lane);
    let slots = min(KEYS, filled - first);
    for (var s = part; s < slots; s += GROUPS) {
      let weight = weights[s];
      let v = (base + (first + s) * G) * columns;
      softmax.total += weight;
      for (var i = 0u; i < V_EACH; i++) {
        softmax.o[i] = fma(Vec(weight), vCache[v + min(column + i * COLUMN_LANES, columns - 1)], softmax.o[i]);
      }
    }
    workgroupBarrier(); // the weights have been read
  }
  share_sums(&softmax, lane);
  for (var at = lane; at < columns; at += LANES) {
    oBHV[(O_OFFSET + b * O_STRIDE + h * KV) / WIDTH + at] = output(at);
  }
}
