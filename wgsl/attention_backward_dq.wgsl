// dq = Σ_s ds · k with ds = p · (dO · v − delta) / √K and p = exp(q · k / √K − lse): the gradient of the queries. Query t sees key s when s ≤ t and
// (WINDOW = 0 or t − s < WINDOW or s < META). Query head h uses key head h / (H / G).
//
//   0  qBTHK     [B, T, H, K]  f32  read   rows of H·K, Q_STRIDE apart
//   1  kBTGK     [B, T, G, K]  f32  read   rows of G·K, K_STRIDE apart
//   2  vBTGV     [B, T, G, V]  f32  read   rows of G·V, V_STRIDE apart
//   3  dOBTHV    [B, T, H, V]  f32  read   rows of H·V, DO_STRIDE apart
//   4  lseBTH    [B, T, H]     f32  read   from the forward pass: makes p without a second softmax
//   5  deltaBTH  [B, T, H]     f32  read   Σ dO · o of the row
//   6  dqBTHK    [B, T, H, K]  f32  write  rows of H·K, DQ_STRIDE apart
//   7  run                    the block Run
//
// The layout of attention_forward: one workgroup processes ROWS neighbouring queries of one head in tiles of TILE keys. An invocation makes the ds of
// its queries with four keys of a tile, and the invocations of a row share the columns of dq.
// Bytes 4·B·H·T·(3·K + 2·V) at least, flops 2·(2·K + V) for each visible pair: bound as attention_forward.
//
// Inserted before this file: the same as for attention_forward.

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
  DO_OFFSET: u32,
  DO_STRIDE: u32,
  DQ_OFFSET: u32,
  DQ_STRIDE: u32,
  WINDOW: u32,
  META: u32,
}

@group(0) @binding(0) var<storage, read> qBTHK: array<Cell>;
@group(0) @binding(1) var<storage, read> kBTGK: array<Cell>;
@group(0) @binding(2) var<storage, read> vBTGV: array<Cell>;
@group(0) @binding(3) var<storage, read> dOBTHV: array<Cell>;
@group(0) @binding(4) var<storage, read> lseBTH: array<f32>;
@group(0) @binding(5) var<storage, read> deltaBTH: array<f32>;
@group(0) @binding(6) var<storage, read_write> dqBTHK: array<Cell>;
@group(0) @binding(7) var<uniform> run: Run;

/// ds of four queries with four keys of a tile, from their products q · k and dO · v; lse and delta of the queries.
fn score_gradients(qk: array<vec4f, 4>, dp: array<vec4f, 4>, lse: vec4f, delta: vec4f, t: vec4u, s: vec4u, end: u32) -> array<vec4f, 4> {
  let scale = inverseSqrt(f32(K));
  var ds = dp;
  for (var j = 0u; j < 4; j++) {
    let seen = sees4(vec4i(t), vec4i(i32(s[j]))) & vec4<bool>(s[j] < end);
    let p = select(vec4f(), exp(min(qk[j] * scale - lse, vec4f())), seen); // min: no unseen score may overflow
    ds[j] = p * (dp[j] - delta) * scale;
  }
  return ds;
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
  let dO_rows = rows_of(run.DO_OFFSET, run.DO_STRIDE, batch, h * V);
  var t = own_rows(block, place.y);
  var lse: array<vec4f, QUADS>;
  var delta: array<vec4f, QUADS>;
  for (var u = 0u; u < QUADS; u++) {
    lse[u] = four_of(&lseBTH, (batch + t[u]) * H + h, place.x);
    delta[u] = four_of(&deltaBTH, (batch + t[u]) * H + h, place.x);
  }
  var q = held_K(&qBTHK, q_rows, block, place);
  var dO = held_V(&dOBTHV, dO_rows, block, place);
  var dq: Sums_K;
  let keys = keys_of(block);
  var s0 = first_key(keys);
  loop {
    let tile = key_tile(keys, s0);
    let s = tile_rows(tile, place.x);
    var qk = products_K(&q, &qBTHK, &kBTGK, k_rows, tile, place);
    // Summed in the order of attention_backward_delta: if a query sees only one key, o = v and dO · v − delta is exactly 0.
    var ds = products_V(&dO, &dOBTHV, &vBTGV, v_rows, tile, place);
    for (var u = 0u; u < QUADS; u++) {
      ds[u] = score_gradients(qk[u], ds[u], lse[u], delta[u], t[u], s, tile.end);
    }
    add_weighted_K(&dq, &ds, &kBTGK, k_rows, tile, place);
    continuing {
      s0 = next_key(keys, s0);
      break if s0 >= keys.end;
    }
  }
  write_K(&dqBTHK, rows_of(run.DQ_OFFSET, run.DQ_STRIDE, batch, h * K), &dq, block, place, false);
}
