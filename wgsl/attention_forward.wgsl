// o = softmax(q · kᵀ / √K + mask) · v and lse = log Σ exp(score): causal attention in one pass over the keys; no score is stored.
// Query t sees key s when s ≤ t and (WINDOW = 0 or t − s < WINDOW or s < META). Query head h uses key head h / (H / G).
//
//   0  qBTHK   [B, T, H, K]  f32  read   rows of H·K, Q_STRIDE apart
//   1  kBTGK   [B, T, G, K]  f32  read   rows of G·K, K_STRIDE apart
//   2  vBTGV   [B, T, G, V]  f32  read   rows of G·V, V_STRIDE apart
//   3  oBTHV   [B, T, H, V]  f32  write  rows of H·V, O_STRIDE apart
//   4  lseBTH  [B, T, H]     f32  write
//   5  run                    the block Run
//
// The softmax of a row is computed in one pass over the keys: `highest` is the largest score so far, total = Σ exp(score − highest), and
// o = Σ exp(score − highest) · v. When a score exceeds `highest`, total and o shrink by exp(old − new). At the end o is divided by total, and
// lse = highest + log(total). This is exact and reads each key once.
//
// One workgroup processes ROWS neighbouring queries of one head in tiles of TILE keys (lib/attention_tile, lib/attention_keys). An invocation has
// four queries, the components of a vec4f, or two such quads, and four keys of a tile. The invocations of a row exchange their maxima and their
// exp(score − highest), and share the columns of o.
// Bytes 4·B·H·T·(2·K + 2·V) at least, flops 2·(K + V) for each visible pair: bound by loads on software adapters, by workgroup memory and
// multiply-adds on GPUs.
//
// Inserted before this file: ACROSS, DOWN, QUADS, K_EACH = ⌈K / (4·ACROSS)⌉, V_EACH = ⌈V / (4·ACROSS)⌉; lib/row_fours or lib/row_ones, lib/sees,
// lib/attention_tile, lib/attention_tile_workgroup or _subgroup, lib/attention_columns_workgroup or _subgroup and lib/attention_columns for K and for
// V, lib/attention_keys.

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
  O_OFFSET: u32,
  O_STRIDE: u32,
  WINDOW: u32,
  META: u32,
}

const UNSEEN = -1e30; // below every score; −∞ would give NaN in differences

@group(0) @binding(0) var<storage, read> qBTHK: array<Cell>;
@group(0) @binding(1) var<storage, read> kBTGK: array<Cell>;
@group(0) @binding(2) var<storage, read> vBTGV: array<Cell>;
@group(0) @binding(3) var<storage, read_write> oBTHV: array<Cell>;
@group(0) @binding(4) var<storage, read_write> lseBTH: array<f32>;
@group(0) @binding(5) var<uniform> run: Run;

/// Scores of four queries with four keys of a tile, UNSEEN where the mask hides a key.
fn masked(products: array<vec4f, 4>, t: vec4u, s: vec4u, end: u32) -> array<vec4f, 4> {
  var scores = products;
  for (var j = 0u; j < 4; j++) {
    let seen = sees4(vec4i(t), vec4i(i32(s[j]))) & vec4<bool>(s[j] < end);
    scores[j] = select(vec4f(UNSEEN), scores[j] * inverseSqrt(f32(K)), seen);
  }
  return scores;
}

@compute @workgroup_size(ACROSS, DOWN)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let place = local.xy;
  let h = group.y;
  let g = h / (H / G);
  let batch = group.z * run.T;
  let block = block_of(group.x * ROWS);
  let q_rows = rows_of(run.Q_OFFSET, run.Q_STRIDE, batch, h * K);
  let k_rows = rows_of(run.K_OFFSET, run.K_STRIDE, batch, g * K);
  let v_rows = rows_of(run.V_OFFSET, run.V_STRIDE, batch, g * V);
  var t = own_rows(block, place.y);
  var q = held_K(&qBTHK, q_rows, block, place);
  var o: Sums_V;
  var highest: array<vec4f, QUADS>;
  var total: array<vec4f, QUADS>; // of the keys of this invocation only
  for (var u = 0u; u < QUADS; u++) {
    highest[u] = vec4f(UNSEEN);
  }
  let keys = keys_of(block);
  var s0 = first_key(keys);
  loop {
    let tile = key_tile(keys, s0);
    let s = tile_rows(tile, place.x);
    var weights = products_K(&q, &qBTHK, &kBTGK, k_rows, tile, place);
    for (var u = 0u; u < QUADS; u++) {
      let scores = masked(weights[u], t[u], s, tile.end);
      let higher = row_max(max(max(highest[u], max(scores[0], scores[1])), max(scores[2], scores[3])), place);
      let shrink = exp(highest[u] - higher);
      highest[u] = higher;
      total[u] *= shrink;
      for (var j = 0u; j < 4; j++) {
        weights[u][j] = select(exp(scores[j] - higher), vec4f(), scores[j] == vec4f(UNSEEN));
        total[u] += weights[u][j];
      }
      scale_V(&o, u, shrink);
    }
    add_weighted_V(&o, &weights, &vBTGV, v_rows, tile, place);
    continuing {
      s0 = next_key(keys, s0);
      break if s0 >= keys.end;
    }
  }
  for (var u = 0u; u < QUADS; u++) {
    let sum = row_sum(total[u], place);
    divide_V(&o, u, sum);
    for (var r = 0u; r < 4; r++) {
      let row = block.first + 4 * (QUADS * place.y + u) + r;
      if (place.x == 0 && row <= block.last) {
        lseBTH[(batch + row) * H + h] = highest[u][r] + log(sum[r]);
      }
    }
  }
  write_V(&oBTHV, rows_of(run.O_OFFSET, run.O_STRIDE, batch, h * V), &o, block, place, false);
}
