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
// One workgroup 64 channels of one span of one batch row (SPAN positions, a multiple of CHUNK; there may be one span), walking through time. An invocation holds the states of 4 channels (the lanes
// of a vec4f) × 4 entries of N; QUADS = ceil(N / 4) of them share the channels. BLOCK positions at a time are staged in
// workgroup memory (so that dt is made once a channel), and the parts of y that the QUADS made are added in order.
// Bytes 4·B·T·(4·I + 2·N·I/64) and the states, flops 8·B·T·I·N with as many exponentials as states: bound by arithmetic.
//
// In front of this file: lib/activations, lib/channels_vec4 or lib/channels_vec1 (Vec, load4, store4).

override I: u32;
override N: u32;
override CHUNK: u32;
override SOFTPLUS: bool;
override HAS_Z: bool;
override HAS_H0: bool;
override QUADS: u32;
override BLOCK: u32; // divides CHUNK
override LANES: u32 = 16 * QUADS;

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

// A vec4f holds four neighbouring channels; 16 of them are the workgroup's 64. Invocation `lane` stages and writes the channels
// lane % 16, whatever t, so the barriers around the arithmetic are the only ones.
var<workgroup> u_tile: array<vec4f, BLOCK * 16>; // [t][channels]
var<workgroup> dt_tile: array<vec4f, BLOCK * 16>;
var<workgroup> bc_tile: array<f32, BLOCK * 2 * 4 * QUADS>; // [t][B or C][n], zero from N on
var<workgroup> y_tile: array<vec4f, BLOCK * QUADS * 16>; // [t][quad][channels]

/// Column `column` of the coefficients of four channels; channels beyond the last repeat it and are never written.
fn coefficient4(i: u32, column: u32) -> vec4f {
  var value: vec4f;
  for (var c = 0u; c < 4; c++) {
    value[c] = work[min(i + c, I - 1) * (N + 2) + column];
  }
  return value;
}

fn stage(lane: u32, i: u32, bias: vec4f, row0: u32, positions: u32) {
  for (var k = lane; k < BLOCK * 16; k += LANES) {
    var u = vec4f(0.0);
    var dt = vec4f(0.0); // beyond the last position a step of zero leaves the state as it is
    if (k / 16 < positions) {
      let row = run.UDT_OFFSET + (row0 + k / 16) * run.UDT_STRIDE;
      u = load4(&udtBT2I, row, i);
      dt = load4(&udtBT2I, row + I, i) + bias;
      if (SOFTPLUS) {
        dt = softplus4(dt);
      }
    }
    u_tile[k] = u;
    dt_tile[k] = dt;
  }
  for (var k = lane; k < BLOCK * 8 * QUADS; k += LANES) {
    let t = k / (8 * QUADS);
    let n = k % (4 * QUADS);
    var value = 0.0;
    if (t < positions && n < N) {
      value = bcBT2N[run.BC_OFFSET + (row0 + t) * run.BC_STRIDE + k / (4 * QUADS) % 2 * N + n];
    }
    bc_tile[k] = value;
  }
}

fn write_y(lane: u32, i: u32, skip: vec4f, row0: u32, positions: u32) {
  for (var k = lane; k / 16 < positions; k += LANES) {
    var y = skip * u_tile[k];
    for (var quad = 0u; quad < QUADS; quad++) {
      y += y_tile[(k / 16 * QUADS + quad) * 16 + k % 16];
    }
    let row = row0 + k / 16;
    if (HAS_Z) {
      let z = load4(&zBTI, run.Z_OFFSET + row * run.Z_STRIDE, i);
      y *= z * sigmoid4(z);
    }
    store4(&yBTI, run.Y_OFFSET + row * run.Y_STRIDE, i, y);
  }
}

/// One store in a loop, not sixteen: what is run rarely need not be unrolled, which takes software adapters seconds to compile.
fn save_states(at: u32, i: u32, n: u32, h: array<vec4f, 4>) {
  var copy = h;
  let entries = min(4u, N - min(n, N));
  for (var k = 0u; k < 4 * entries && i + k / entries < I; k++) {
    statesBSIN[(at * I + i + k / entries) * N + n + k % entries] = copy[k % entries][k / entries];
  }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let b = group.y;
  let span = group.z;
  let chunks = (run.T + CHUNK - 1) / CHUNK;
  let quad = lane % QUADS;
  let channels = lane / QUADS;
  let i = group.x * 64 + channels * 4; // whose states this invocation holds
  let staged = group.x * 64 + lane % 16 * 4; // whose inputs and outputs it moves
  let skip = coefficient4(staged, N);
  let bias = coefficient4(staged, N + 1);
  var a: array<vec4f, 4>;
  var h: array<vec4f, 4>;
  for (var j = 0u; j < 4; j++) {
    let n = quad * 4 + j;
    if (n < N) {
      a[j] = coefficient4(i, n);
      for (var c = 0u; c < 4; c++) {
        let channel = min(i + c, I - 1);
        if (span > 0) {
          h[j][c] = work[run.STARTS_AT + ((span * groups.y + b) * I + channel) * N + n];
        } else if (HAS_H0) {
          h[j][c] = h0BIN[(b * I + channel) * N + n];
        }
      }
      h[j] = select(h[j], a[j], is_nan4(a[j])); // exp may not
    }
  }
  let end = min(span * run.SPAN + run.SPAN, run.T);
  for (var t0 = span * run.SPAN; t0 < end; t0 += BLOCK) {
    if (t0 % CHUNK == 0) {
      save_states(b * (chunks + 1) + t0 / CHUNK, i, quad * 4, h);
    }
    let row0 = b * run.T + t0;
    let positions = min(BLOCK, end - t0);
    stage(lane, staged, bias, row0, positions);
    workgroupBarrier();
    for (var t = 0u; t < positions; t++) {
      let dt = dt_tile[t * 16 + channels];
      let dtu = dt * u_tile[t * 16 + channels];
      var y = vec4f(0.0);
      for (var j = 0u; j < 4; j++) {
        let at = t * 8 * QUADS + quad * 4 + j;
        h[j] = exp(dt * a[j]) * h[j] + dtu * bc_tile[at];
        y += h[j] * bc_tile[at + 4 * QUADS];
      }
      y_tile[(t * QUADS + quad) * 16 + channels] = y;
    }
    workgroupBarrier();
    write_y(lane, staged, skip, row0, positions);
  }
  if (end == run.T) {
    save_states(b * (chunks + 1) + chunks, i, quad * 4, h);
  }
}
