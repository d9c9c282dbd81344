// o[t] = Σ_s p[s]·v[s], p = softmax of q[t] · k[s] / √K over the positions s that position start + t sees: positions in the caches, then those of the
// chunk up to t. Position p sees s when s ≤ p and (WINDOW = 0 or p − s < WINDOW or s < META); query head h uses key head floor(h / (H / G)).
//
//   0  qBTHK   [B, T, H, K]   f32  read   rows Q_STRIDE apart
//   1  kBTGK   [B, T, G, K]   f32  read   rows K_STRIDE apart
//   2  vBTGV   [B, T, G, Kv]  f32  read   rows V_STRIDE apart
//   3  kCache  [B, S, G, K]   f32  read   the positions before `start`: slots as in cache_append
//   4  vCache  [B, S, G, Kv]  f32  read
//   5  startB  [B]            u32  read   the position of t = 0
//   6  oBTHV   [B, T, H, Kv]  f32  write  rows O_STRIDE apart
//   7  run                    the block Run
//
// One workgroup per query, in tiles of keys as in lib/attention_groups. A lane reads K once for its scores.
// Key s is slot s of the cache while s < filled, then key s − filled of the chunk. Numbers are read as Vecs (lib/vec4 or lib/vec1).
// Bytes 4·B·H·T·(S + T)·(K + Kv), mostly from caches of the adapter, flops half of them.
//
// Inserted before this file: lib/vec4 or lib/vec1, and lib/attention_groups.

override H: u32;
override G: u32;
override K: u32;
override KV: u32;

// Sizes and places, in elements. They come with each launch, so one compilation serves every length, mask and layout.
struct Run {
  T: u32,
  S: u32,
  WINDOW: u32,
  META: u32,
  Q_OFFSET: u32,
  Q_STRIDE: u32,
  K_OFFSET: u32,
  K_STRIDE: u32,
  V_OFFSET: u32,
  V_STRIDE: u32,
  O_OFFSET: u32,
  O_STRIDE: u32,
}

@group(0) @binding(0) var<storage, read> qBTHK: array<Vec>;
@group(0) @binding(1) var<storage, read> kBTGK: array<Vec>;
@group(0) @binding(2) var<storage, read> vBTGV: array<Vec>;
@group(0) @binding(3) var<storage, read> kCache: array<Vec>;
@group(0) @binding(4) var<storage, read> vCache: array<Vec>;
@group(0) @binding(5) var<storage, read> startB: array<u32>;
@group(0) @binding(6) var<storage, read_write> oBTHV: array<Vec>;
@group(0) @binding(7) var<uniform> run: Run;

/// The position of key s.
fn position_of(s: u32, start: u32, filled: u32) -> u32 {
  if (s >= filled) {
    return start + s - filled;
  }
  if (run.WINDOW == 0 || s < run.META) {
    return s;
  }
  let last = start - 1 - run.META;
  return run.META + last - (last + run.WINDOW - (s - run.META)) % max(run.WINDOW, 1u);
}

/// q · k / √K of key s, or UNSEEN. `q` is the query's first Vec.
fn score(s: u32, q: u32, b: u32, g: u32, t: u32, filled: u32) -> f32 {
  let start = startB[b];
  let key = position_of(s, start, filled);
  let seen = run.WINDOW == 0 || start + t - key < run.WINDOW || key < run.META;
  if (s > filled + t || !seen) {
    return UNSEEN;
  }
  var sum = 0.0;
  if (s < filled) {
    let k = ((b * run.S + s) * G + g) * K / WIDTH;
    for (var i = 0u; i < K / WIDTH; i++) {
      sum = multiply_add(qBTHK[q + i], kCache[k + i], sum);
    }
  } else {
    let k = (run.K_OFFSET + (b * run.T + s - filled) * run.K_STRIDE + g * K) / WIDTH;
    for (var i = 0u; i < K / WIDTH; i++) {
      sum = multiply_add(qBTHK[q + i], kBTGK[k + i], sum);
    }
  }
  return sum / sqrt(f32(K));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let h = group.x;
  let t = group.y;
  let b = group.z;
  let g = h / (H / G);
  let row = b * run.T + t;
  let q = (run.Q_OFFSET + row * run.Q_STRIDE + h * K) / WIDTH;
  let part = lane / COLUMN_LANES;
  let column = lane % COLUMN_LANES;
  let columns = KV / WIDTH;
  var filled = min(startB[b], run.S);
  if (run.WINDOW > 0) {
    filled = min(filled, run.META + run.WINDOW);
  }
  let all = filled + t + 1;
  var softmax = Softmax(UNSEEN, 0.0, array<Vec, V_EACH>());
  for (var first = 0u; first < all; first += KEYS) {
    var scores = array<f32, EACH>();
    for (var j = 0u; j < EACH; j++) {
      scores[j] = score(first + lane + j * LANES, q, b, g, t, filled);
    }
    weigh(&softmax, scores, lane);
    for (var s = first + part; s < min(first + KEYS, all); s += GROUPS) {
      let weight = weights[s - first];
      softmax.total += weight;
      let cached = ((b * run.S + s) * G + g) * columns;
      let own = (run.V_OFFSET + (b * run.T + s - filled) * run.V_STRIDE + g * KV) / WIDTH;
      for (var i = 0u; i < V_EACH; i++) {
        let at = min(column + i * COLUMN_LANES, columns - 1);
        if (s < filled) {
          softmax.o[i] = fma(Vec(weight), vCache[cached + at], softmax.o[i]);
        } else {
          softmax.o[i] = fma(Vec(weight), vBTGV[own + at], softmax.o[i]);
        }
      }
    }
    workgroupBarrier(); // the weights have been read
  }
  share_sums(&softmax, lane);
  for (var at = lane; at < columns; at += LANES) {
    oBTHV[(run.O_OFFSET + row * run.O_STRIDE + h * KV) / WIDTH + at] = output(at);
  }
}
