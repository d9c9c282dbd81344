// dv = Σ p · dO and dk = Σ ds · q over the queries that see a key and the heads that share it, with p = exp(q · k / √K − lse) and
// ds = p · (dO · v − delta) / √K: the backward pass over keys. With ACCUMULATE, the result is added to dk and dv.
// Query t sees key s when s ≤ t and (WINDOW = 0 or t − s < WINDOW or s < META). Query head h uses key head h / (H / G).
//
//   0  qBTHK     [B, T, H, K]  f32  read   rows of H·K, Q_STRIDE apart
//   1  kBTGK     [B, T, G, K]  f32  read   rows of G·K, K_STRIDE apart
//   2  vBTGV     [B, T, G, V]  f32  read   rows of G·V, V_STRIDE apart
//   3  dOBTHV    [B, T, H, V]  f32  read   rows of H·V, DO_STRIDE apart
//   4  lseBTH    [B, T, H]     f32  read   from the forward pass
//   5  deltaBTH  [B, T, H]     f32  read   Σ dO · o of the row
//   6  dkBTGK    [B, T, G, K]  f32  write  rows of G·K, DK_STRIDE apart; only with WRITE_DK
//   7  dvBTGV    [B, T, G, V]  f32  write  rows of G·V, DV_STRIDE apart; only with WRITE_DV
//   8  run                    the block Run
//
// The mirror image of attention_backward_dq: one workgroup takes ROWS neighbouring keys of one key head through tiles of TILE queries of each of
// the H / G heads that share the keys. An invocation computes p and ds of its keys with four queries of a tile, and the invocations of a row
// share the columns of dk and dv. Queries that see no key of the workgroup are never visited: the last one is WINDOW − 1 behind the last key,
// unless a key is a meta token.
// A block with meta tokens is seen by all queries. In long sequences it has workgroups of its own: then WHOLE_META is 0, and another
// launch with SPAN > 0 takes the queries beyond the windows of such blocks in SPANS spans of SPAN, and writes [SPANS, B, TARGET_ROWS, G, K or V]
// for sum_partials. Otherwise SPANS is 1, WHOLE_META is META and TARGET_ROWS is T.
// In some models dk and dv are slices of one buffer, which can be bound only once. Then two launches each write one of them.
// Bytes 4·B·T·(G·(2·K + 2·V) + H·(K + V + 2)) at least, flops 4·(K + V) for each visible pair: bound as attention_forward.
//
// Inserted before this file: what attention_forward has, without lib/attention_keys.

override H: u32;
override G: u32;
override K: u32;
override V: u32;
override ACCUMULATE: bool;
override WRITE_DK: bool;
override WRITE_DV: bool;

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
  DK_OFFSET: u32,
  DK_STRIDE: u32,
  DV_OFFSET: u32,
  DV_STRIDE: u32,
  WINDOW: u32,
  META: u32,
  WHOLE_META: u32,
  SPAN: u32,
  SPANS: u32,
  TARGET_ROWS: u32,
}

@group(0) @binding(0) var<storage, read> qBTHK: array<Cell>;
@group(0) @binding(1) var<storage, read> kBTGK: array<Cell>;
@group(0) @binding(2) var<storage, read> vBTGV: array<Cell>;
@group(0) @binding(3) var<storage, read> dOBTHV: array<Cell>;
@group(0) @binding(4) var<storage, read> lseBTH: array<f32>;
@group(0) @binding(5) var<storage, read> deltaBTH: array<f32>;
@group(0) @binding(6) var<storage, read_write> dkBTGK: array<Cell>;
@group(0) @binding(7) var<storage, read_write> dvBTGV: array<Cell>;
@group(0) @binding(8) var<uniform> run: Run;

/// p, then ds, of four keys with a query, from their products q · k and dO · v.
fn weights_of(qk: vec4f, dp: vec4f, row: u32, t: u32, s: vec4u, end: u32) -> array<vec4f, 2> {
  let scale = inverseSqrt(f32(K));
  let seen = sees4(vec4i(i32(t)), vec4i(s)) & vec4<bool>(t < end);
  let p = select(vec4f(), exp(min(qk * scale - lseBTH[row], vec4f())), seen); // min: no unseen score may overflow
  return array<vec4f, 2>(p, p * (dp - deltaBTH[row]) * scale);
}

/// The queries that a workgroup visits: from the first to before the end.
fn queries_of(block: Block, span: u32) -> vec2u {
  let near = select(min(block.last + run.WINDOW, run.T), run.T, run.WINDOW == 0 || block.first < run.WHOLE_META);
  if (run.SPAN == 0) {
    return vec2u(block.first, near);
  }
  let first = near + span * run.SPAN;
  return vec2u(first, min(first + run.SPAN, run.T));
}

@compute @workgroup_size(ACROSS, DOWN)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let place = local.xy;
  let g = group.y;
  let sequence = group.z / run.SPANS;
  let span = group.z % run.SPANS;
  let batch = sequence * run.T;
  let first_row = (span * (groups.z / run.SPANS) + sequence) * run.TARGET_ROWS;
  let block = block_of(group.x * ROWS);
  let k_rows = rows_of(run.K_OFFSET, run.K_STRIDE, batch, g * K);
  let v_rows = rows_of(run.V_OFFSET, run.V_STRIDE, batch, g * V);
  var s = own_rows(block, place.y);
  var k = held_K(&kBTGK, k_rows, block, place);
  var v = held_V(&vBTGV, v_rows, block, place);
  var dk: Sums_K;
  var dv: Sums_V;
  let queries = queries_of(block, span);
  let end = queries.y;
  var h = g * (H / G);
  loop {
    let q_rows = rows_of(run.Q_OFFSET, run.Q_STRIDE, batch, h * K);
    let dO_rows = rows_of(run.DO_OFFSET, run.DO_STRIDE, batch, h * V);
    var t0 = queries.x;
    loop {
      let tile = tile_of(t0, end);
      let t = tile_rows(tile, place.x);
      var p = products_K(&k, &kBTGK, &qBTHK, q_rows, tile, place);
      var ds = Pairs();
      if (WRITE_DK) {
        ds = products_V(&v, &vBTGV, &dOBTHV, dO_rows, tile, place);
      }
      for (var j = 0u; j < 4; j++) {
        let row = (batch + min(t[j], end - 1)) * H + h;
        for (var u = 0u; u < QUADS; u++) {
          let weights = weights_of(p[u][j], ds[u][j], row, t[j], s[u], end);
          p[u][j] = weights[0];
          ds[u][j] = weights[1];
        }
      }
      if (WRITE_DK) {
        add_weighted_K(&dk, &ds, &qBTHK, q_rows, tile, place);
      }
      if (WRITE_DV) {
        add_weighted_V(&dv, &p, &dOBTHV, dO_rows, tile, place);
      }
      continuing {
        t0 += TILE;
        break if t0 >= end;
      }
    }
    continuing {
      h++;
      break if h == (g + 1) * (H / G);
    }
  }
  if (WRITE_DK) {
    write_K(&dkBTGK, rows_of(run.DK_OFFSET, run.DK_STRIDE, first_row, g * K), &dk, block, place, ACCUMULATE);
  }
  if (WRITE_DV) {
    write_V(&dvBTGV, rows_of(run.DV_OFFSET, run.DV_STRIDE, first_row, g * V), &dv, block, place, ACCUMULATE);
  }
}
