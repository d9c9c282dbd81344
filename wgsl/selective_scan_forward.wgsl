// dt = softplus(raw + bias); h[t] = exp(dt·A) ∘ h[t−1] + dt·u·B[t]; y[t] = (C[t]·h[t] + skip·u) · silu(z[t]).
//
//   0  udtBT2I       [B, T, 2, I]           f32  read   u, then raw; rows UDT_STRIDE apart
//   1  bcBT2N        [B, T, 2, N]           f32  read   B, then C; rows BC_STRIDE apart
//   2  zBTI          [B, T, I]              f32  read   rows Z_STRIDE apart; ignored unless HAS_Z
//   3  work          one storage            f32  read   the coefficients [I, N + 2] of selective_scan_pack: A, skip, bias; at STARTS_AT
//                    [spans, B, I, N] the states before every span but the first (selective_scan_carry)
//   4  h0BIN         [B, I, N]              f32  read   zero unless HAS_H0
//   5  yBTI          [B, T, I]              f32  write  rows Y_STRIDE apart
//   6  statesBSIN    [B, chunks + 1, I, N]  f32  write  the state before every CHUNK-th position, then the last
//   7  run                    the block Run
//
// One workgroup takes 64 channels of one span (SPAN positions, a multiple of CHUNK; there may be one span) of one batch row through time
// (lib/scan_tiles). BLOCK positions at a time are staged in workgroup memory, so that each step size is computed once. The parts of y from the PARTS
// invocations of a channel are added in order.
// Bytes 4·B·T·(4·I + 2·N·I/64) and the states, flops 8·B·T·I·N with as many exponentials as states: bound by arithmetic.
//
// Inserted before this file: EACH, BLOCK (divides CHUNK); lib/activations, lib/channels_vec4 or lib/channels_vec1 (Vec, load4, store4),
// lib/stored_f32 (Stored, stored4), lib/scan_tiles.

override CHUNK: u32;
override HAS_Z: bool;
override HAS_H0: bool;

// Sizes and places, in elements. They come with each launch, so one compilation serves every length, mask and layout.
struct Run {
  T: u32,
  SPAN: u32,
  STARTS_AT: u32,
  UDT_OFFSET: u32,
  UDT_STRIDE: u32,
  BC_OFFSET: u32,
  BC_STRIDE: u32,
  Z_OFFSET: u32,
  Z_STRIDE: u32,
  Y_OFFSET: u32,
  Y_STRIDE: u32,
}

@group(0) @binding(0) var<storage, read> udtBT2I: array<Vec>;
@group(0) @binding(1) var<storage, read> bcBT2N: array<f32>;
@group(0) @binding(2) var<storage, read> zBTI: array<Vec>;
@group(0) @binding(3) var<storage, read> work: array<f32>;
@group(0) @binding(4) var<storage, read> h0BIN: array<f32>;
@group(0) @binding(5) var<storage, read_write> yBTI: array<Vec>;
@group(0) @binding(6) var<storage, read_write> statesBSIN: array<f32>;
@group(0) @binding(7) var<uniform> run: Run;

var<workgroup> u_tile: array<vec4f, BLOCK * 16>; // [t][channels]
var<workgroup> dt_tile: array<vec4f, BLOCK * 16>;
var<workgroup> y_tile: array<vec4f, BLOCK * LANES>; // [t][part][channels]

/// The inputs of a block. A step size of zero beyond the last position leaves the state as it is.
fn stage(lane: u32, i: u32, bias: vec4f, row0: u32, positions: u32) {
  for (var k = lane; k < BLOCK * 16; k += LANES) {
    let row = row0 + min(k / 16, positions - 1);
    let there = k / 16 < positions;
    u_tile[k] = select(vec4f(), raw4(row, i, 0), there);
    dt_tile[k] = select(vec4f(), step4(row, i, bias), there);
  }
  stage_bc(lane, row0, positions);
}

fn write_y(lane: u32, i: u32, skip: vec4f, row0: u32, positions: u32) {
  for (var k = lane; k / 16 < positions; k += LANES) {
    var y = skip * u_tile[k];
    for (var part = 0u; part < PARTS; part++) {
      y += y_tile[(k / 16 * PARTS + part) * 16 + k % 16];
    }
    let row = row0 + k / 16;
    if (HAS_Z) {
      let z = load4(&zBTI, run.Z_OFFSET + row * run.Z_STRIDE, i);
      y *= z * sigmoid4(z);
    }
    store4(&yBTI, run.Y_OFFSET + row * run.Y_STRIDE, i, y);
  }
}

/// The states before the first position of a span.
fn first_states(span: u32, b: u32, batches: u32, i: u32, n: u32) -> array<vec4f, EACH> {
  var h: array<vec4f, EACH>;
  for (var j = 0u; j < EACH; j++) {
    for (var c = 0u; c < 4; c++) {
      if (span > 0) {
        h[j][c] = work[entry_place(run.STARTS_AT + (span * batches + b) * I * N, i, n, c, j)];
      } else if (HAS_H0) {
        h[j][c] = h0BIN[entry_place(b * I * N, i, n, c, j)];
      }
    }
  }
  return h;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let b = group.y;
  let part = lane % PARTS;
  let channels = lane / PARTS;
  let i = group.x * 64 + channels * 4; // whose states this invocation holds
  let staged = group.x * 64 + lane % 16 * 4; // whose inputs and outputs it moves
  let skip = coefficient4(staged, N);
  let bias = coefficient4(staged, N + 1);
  let a = exponents(i, part * EACH);
  var h = first_states(group.z, b, groups.y, i, part * EACH);
  for (var j = 0u; j < EACH; j++) {
    h[j] = select(h[j], a[j], is_nan4(a[j])); // exp2 may lose NaN
  }
  let saved = b * ((run.T + CHUNK - 1) / CHUNK + 1); // of statesBSIN, in states
  let end = min(group.z * run.SPAN + run.SPAN, run.T);
  for (var t0 = group.z * run.SPAN; t0 < end; t0 += BLOCK) {
    if (t0 % CHUNK == 0) {
      write_entries(&statesBSIN, (saved + t0 / CHUNK) * I * N, i, part * EACH, h);
    }
    let positions = min(BLOCK, end - t0);
    stage(lane, staged, bias, b * run.T + t0, positions);
    workgroupBarrier();
    for (var t = 0u; t < BLOCK; t++) {
      let dt = dt_tile[t * 16 + channels];
      let dtu = dt * u_tile[t * 16 + channels];
      let b_t = bc_tile[t * 2 * N_QUADS + part];
      let c_t = bc_tile[(t * 2 + 1) * N_QUADS + part];
      var y = vec4f();
      for (var j = 0u; j < EACH; j++) {
        h[j] = exp2(dt * a[j]) * h[j] + dtu * b_t[j];
        y += h[j] * c_t[j];
      }
      y_tile[(t * PARTS + part) * 16 + channels] = y;
    }
    workgroupBarrier();
    write_y(lane, staged, skip, b * run.T + t0, positions);
  }
  if (end == run.T) {
    write_entries(&statesBSIN, (saved + (run.T + CHUNK - 1) / CHUNK) * I * N, i, part * EACH, h);
  }
}
