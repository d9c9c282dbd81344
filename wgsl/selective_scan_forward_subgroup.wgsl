// selective_scan_forward for software adapters, where barriers, workgroup memory and dynamically indexed arrays cost more than arithmetic:
// dt = softplus(raw + bias); h[t] = exp(dt·A) ∘ h[t−1] + dt·u·B[t]; y[t] = (C[t]·h[t] + skip·u) · silu(z[t]).
//
//   0  udtBT2I       [B, T, 2, I]           f32  read   u, then raw; rows UDT_STRIDE apart
//   1  bcBT2N        [B, T, 2, N]           f32  read   B, then C; rows BC_STRIDE apart
//   2  zBTI          [B, T, I]              f32  read   rows Z_STRIDE apart; ignored unless HAS_Z
//   3  coefficients  [I, N + 2]             f32  read   A, skip, bias (selective_scan_pack)
//   4  h0BIN         [B, I, N]              f32  read   zero unless HAS_H0
//   5  yBTI          [B, T, I]              f32  write  rows Y_STRIDE apart
//   6  statesBSIN    [B, chunks + 1, I, N]  f32  read and write  the state before every CHUNK-th position, then the last
//   7  run                    the block Run
//
// One workgroup is one subgroup of LANES invocations. It processes CHANNELS channels of one batch row, STEPS positions at a time (CHUNK, or fewer in
// a separate launch for a short last chunk). An invocation holds WIDE states of a channel, and loads and stores every LANES-th position for four
// channels at once. Each step size is computed once and distributed by shuffles; each sum over N goes to the invocation that writes it (own_total).
// No barrier.
// Bytes 4·B·T·(4·I + 2·N·I/CHANNELS) and the states, flops 8·B·T·I·N with as many exponentials as states: bound by arithmetic.
//
// Inserted before this file: the constants of lib/scan_lanes, lib/scan_lanes, lib/activations, lib/channels_vec4 or lib/channels_vec1 (Vec, load4,
// store4).

override HAS_H0: bool;

// Sizes and places, in elements. They come with each launch, so one compilation serves every length, mask and layout.
struct Run {
  T: u32,
  BEGIN: u32, // the positions of this launch
  END: u32,
  CHANNELS: u32,
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
@group(0) @binding(3) var<storage, read> coefficients: array<f32>;
@group(0) @binding(4) var<storage, read> h0BIN: array<f32>;
@group(0) @binding(5) var<storage, read_write> yBTI: array<Vec>;
@group(0) @binding(6) var<storage, read_write> statesBSIN: array<f32>;
@group(0) @binding(7) var<uniform> run: Run;

/// Column `column` of the coefficients of four channels. Channels beyond the last repeat it and are never written.
fn coefficient4(i: u32, column: u32) -> vec4f {
  let at = min(i + vec4u(0, 1, 2, 3), vec4u(I - 1)) * (N + 2) + column;
  return vec4f(coefficients[at.x], coefficients[at.y], coefficients[at.z], coefficients[at.w]);
}

/// u and the step sizes of four channels at the positions of an invocation: lane, lane + LANES, …
struct Inputs {
  u: array<vec4f, OWN>,
  dt: array<vec4f, OWN>, // beyond the last position a step of zero does not change the state
}

fn inputs_of(lane: u32, i4: u32, row0: u32, positions: u32) -> Inputs {
  let run = run; // read once: not every compiler does that by itself
  let bias = coefficient4(i4, N + 1);
  var all: Inputs;
  for (var s = 0u; s < OWN; s++) {
    let row = run.UDT_OFFSET + (row0 + min(s * LANES + lane, positions - 1)) * run.UDT_STRIDE;
    all.u[s] = load4(&udtBT2I, row, i4);
    var dt = load4(&udtBT2I, row + I, i4) + bias;
    if (SOFTPLUS) {
      dt = softplus4(dt);
    }
    all.dt[s] = select(vec4f(), dt, s * LANES + lane < positions);
  }
  return all;
}

/// The part of a channel in an invocation: A · log2(e), and states.
struct Channel {
  a: array<f32, WIDE>,
  h: array<f32, WIDE>,
}

/// Channel i before position t0, from the saved state number `entry`. The first state is saved here.
fn channel_of(lane: u32, i: u32, b: u32, t0: u32, entry: u32) -> Channel {
  var all: Channel;
  for (var j = 0u; j < WIDE; j++) {
    let n = lane * WIDE + j;
    let inside = min(n, N - 1);
    let a = select(0.0, coefficients[i * (N + 2) + inside] * LOG2_E, n < N);
    var h = 0.0;
    if (t0 > 0) {
      h = statesBSIN[(entry * I + i) * N + inside];
    } else if (HAS_H0) {
      h = h0BIN[(b * I + i) * N + inside];
    }
    if (t0 == 0 && n < N) {
      statesBSIN[(entry * I + i) * N + n] = h;
    }
    all.a[j] = a;
    all.h[j] = select(h, a, is_nan(a)); // exp2 may lose NaN
  }
  return all;
}

/// Advances a channel through its positions. Returns C · h of the states of this invocation for each position.
fn walk(
  channel: ptr<function, Channel>,
  dt: array<f32, OWN>,
  dtu: array<f32, OWN>,
  b_own: ptr<function, array<vec4f, STATE_QUADS>>,
  c_own: ptr<function, array<vec4f, STATE_QUADS>>,
) -> array<vec4f, STEP_QUADS> {
  var sums = array<vec4f, STEP_QUADS>();
  for (var q = 0u; q < STEP_QUADS; q++) {
    for (var r = 0u; r < 4; r++) {
      let dt_t = subgroupBroadcast(dt[(q * 4 + r) / LANES], (q * 4 + r) % LANES);
      let dtu_t = subgroupBroadcast(dtu[(q * 4 + r) / LANES], (q * 4 + r) % LANES);
      var sum = 0.0;
      for (var j = 0u; j < WIDE; j++) {
        let at = (q * 4 + r) * WIDE + j;
        channel.h[j] = fma(exp2(dt_t * channel.a[j]), channel.h[j], dtu_t * b_own[at / 4][at % 4]);
        sum = fma(c_own[at / 4][at % 4], channel.h[j], sum);
      }
      sums[q][r] = sum;
    }
  }
  return sums;
}

/// Gates and writes y of four channels, from C · h summed over N.
fn write_y(lane: u32, i4: u32, row0: u32, positions: u32, u: array<vec4f, OWN>, y: array<vec4f, OWN>) {
  let run = run; // read once: not every compiler does that by itself
  let skip = coefficient4(i4, N);
  for (var s = 0u; s < OWN; s++) {
    if (s * LANES + lane < positions) {
      let row = row0 + s * LANES + lane;
      var out = y[s] + skip * u[s];
      if (HAS_Z) {
        let z = load4(&zBTI, run.Z_OFFSET + row * run.Z_STRIDE, i4);
        out *= z * sigmoid4(z);
      }
      store4(&yBTI, run.Y_OFFSET + row * run.Y_STRIDE, i4, out);
    }
  }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let run = run; // read once: not every compiler does that by itself
  let b = group.y;
  let first = group.x * run.CHANNELS;
  let last = min(first + run.CHANNELS, I);
  let saved = b * ((run.T + CHUNK - 1) / CHUNK + 1);
  var b_own: array<vec4f, STATE_QUADS>;
  var c_own: array<vec4f, STATE_QUADS>;
  for (var t0 = run.BEGIN; t0 < run.END; t0 += STEPS) {
    let positions = min(STEPS, run.END - t0);
    let row0 = b * run.T + t0;
    let entry = saved + t0 / CHUNK;
    for (var quad = 0u; quad * 4 < positions * WIDE; quad++) {
      b_own[quad] = own_states(lane, quad, run.BC_OFFSET, row0, row0 + positions - 1, run.BC_STRIDE);
      c_own[quad] = own_states(lane, quad, run.BC_OFFSET + N, row0, row0 + positions - 1, run.BC_STRIDE);
    }
    for (var i4 = first; i4 < last; i4 += 4) {
      var inputs = inputs_of(lane, i4, row0, positions);
      var y = array<vec4f, OWN>();
      for (var i = i4; i < min(i4 + 4, last); i++) {
        let c = i - i4;
        var channel = channel_of(lane, i, b, t0, entry);
        var dt = array<f32, OWN>();
        var dtu = array<f32, OWN>();
        for (var s = 0u; s < OWN; s++) {
          dt[s] = inputs.dt[s][c];
          dtu[s] = dt[s] * inputs.u[s][c];
        }
        let totals = own_totals(walk(&channel, dt, dtu, &b_own, &c_own), lane);
        for (var s = 0u; s < OWN; s++) {
          y[s] = select(y[s], vec4f(totals[s]), vec4u(c) == vec4u(0, 1, 2, 3));
        }
        for (var j = 0u; j < WIDE; j++) {
          if (lane * WIDE + j < N) {
            statesBSIN[((entry + 1) * I + i) * N + lane * WIDE + j] = channel.h[j];
          }
        }
      }
      write_y(lane, i4, row0, positions, inputs.u, y);
    }
  }
}
