// selective_scan_forward for software adapters, where barriers, workgroup memory and arrays that a loop indexes cost more than
// arithmetic: dt = softplus(raw + bias); h[t] = exp(dt·A) ∘ h[t−1] + dt·u·B[t]; y[t] = (C[t]·h[t] + skip·u) · silu(z[t]).
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
// One workgroup is one subgroup of LANES invocations and walks CHANNELS channels of one batch row through time, STEPS positions at a
// time (CHUNK, or fewer in a launch of its own for a last chunk that has few). An invocation holds WIDE states of a channel, and moves inputs and outputs of every LANES-th position for four channels at
// once: step sizes are made once and handed around by shuffles, and the sums over N come back to whoever writes them (own_total).
// No barrier. Bytes 4·B·T·(4·I + 2·N·I/CHANNELS) and the states, flops 8·B·T·I·N with as many exponentials as states: bound by
// arithmetic.
//
// In front of this file: WIDE (states of an invocation), STEPS, OWN = STEPS / LANES (its positions), STEP_QUADS = STEPS / 4, TOTAL_QUADS = LANES / 4,
// lib/lane_totals_*, lib/activations, lib/channels_vec4 or lib/channels_vec1 (Vec, load4, store4).

override I: u32;
override N: u32;
override SOFTPLUS: bool;
override HAS_Z: bool;
override HAS_H0: bool;
const CHUNK = 32u;
const STATE_QUADS = STEPS * WIDE / 4; // of an invocation's B or C, [t][n]
const UNROLL_UP_TO = 200000; // core/webgpu/unroll.ts: loops over states and positions index registers

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

/// Column `column` of the coefficients of four channels; channels beyond the last repeat it and are never written.
fn coefficient4(i: u32, column: u32) -> vec4f {
  let at = min(i + vec4u(0, 1, 2, 3), vec4u(I - 1)) * (N + 2) + column;
  return vec4f(coefficients[at.x], coefficients[at.y], coefficients[at.z], coefficients[at.w]);
}

/// Vector `quad` of an invocation's B or C, [t][n] from row `first` on; rows behind `last` repeat it, and beyond N there is zero.
fn own_states(lane: u32, quad: u32, offset: u32, first: u32, last: u32, stride: u32) -> vec4f {
  var own = vec4f();
  for (var e = 0u; e < 4; e++) {
    let n = lane * WIDE + (quad * 4 + e) % WIDE;
    let number = bcBT2N[offset + min(first + (quad * 4 + e) / WIDE, last) * stride + min(n, N - 1)];
    own[e] = select(0.0, number, n < N);
  }
  return own;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let run = run; // read once: not every compiler does that by itself
  let b = group.y;
  let first = group.x * run.CHANNELS;
  let last = min(first + run.CHANNELS, I);
  let rows = b * run.T;
  let saved = b * ((run.T + CHUNK - 1) / CHUNK + 1);
  var b_own: array<vec4f, STATE_QUADS>;
  var c_own: array<vec4f, STATE_QUADS>;
  for (var t0 = run.BEGIN; t0 < run.END; t0 += STEPS) {
    let positions = min(STEPS, run.END - t0);
    for (var quad = 0u; quad * 4 < positions * WIDE; quad++) {
      b_own[quad] = own_states(lane, quad, run.BC_OFFSET, rows + t0, rows + t0 + positions - 1, run.BC_STRIDE);
      c_own[quad] = own_states(lane, quad, run.BC_OFFSET + N, rows + t0, rows + t0 + positions - 1, run.BC_STRIDE);
    }
    for (var i4 = first; i4 < last; i4 += 4) {
      let bias = coefficient4(i4, N + 1);
      var u = array<vec4f, OWN>();
      var dt = array<vec4f, OWN>(); // beyond the last position a step of zero leaves the state as it is
      var y = array<vec4f, OWN>();
      for (var s = 0u; s < OWN; s++) {
        let row = run.UDT_OFFSET + (rows + t0 + min(s * LANES + lane, positions - 1)) * run.UDT_STRIDE;
        u[s] = load4(&udtBT2I, row, i4);
        dt[s] = load4(&udtBT2I, row + I, i4) + bias;
        if (SOFTPLUS) {
          dt[s] = softplus4(dt[s]);
        }
        dt[s] = select(vec4f(), dt[s], s * LANES + lane < positions);
      }
      for (var i = i4; i < min(i4 + 4, last); i++) {
        let c = i - i4;
        let entry = saved + t0 / CHUNK;
        var a = array<f32, WIDE>();
        var h = array<f32, WIDE>();
        for (var j = 0u; j < WIDE; j++) {
          let n = lane * WIDE + j;
          let inside = min(n, N - 1);
          a[j] = select(0.0, coefficients[i * (N + 2) + inside] * 1.4426950408889634, n < N);
          if (t0 > 0) {
            h[j] = statesBSIN[(entry * I + i) * N + inside];
          } else if (HAS_H0) {
            h[j] = h0BIN[(b * I + i) * N + inside];
          }
          if (t0 == 0 && n < N) {
            statesBSIN[(entry * I + i) * N + n] = h[j];
          }
          h[j] = select(h[j], a[j], is_nan(a[j])); // exp2 may not
        }
        var dt_own = array<f32, OWN>();
        var dtu_own = array<f32, OWN>();
        for (var s = 0u; s < OWN; s++) {
          dt_own[s] = dt[s][c];
          dtu_own[s] = dt_own[s] * u[s][c];
        }
        var sums = array<vec4f, STEP_QUADS>();
        for (var q = 0u; q < STEP_QUADS; q++) {
          for (var r = 0u; r < 4; r++) {
            let dt_t = subgroupBroadcast(dt_own[(q * 4 + r) / LANES], (q * 4 + r) % LANES);
            let dtu_t = subgroupBroadcast(dtu_own[(q * 4 + r) / LANES], (q * 4 + r) % LANES);
            var sum = 0.0;
            for (var j = 0u; j < WIDE; j++) {
              let at = (q * 4 + r) * WIDE + j;
              h[j] = fma(exp2(dt_t * a[j]), h[j], dtu_t * b_own[at / 4][at % 4]);
              sum = fma(c_own[at / 4][at % 4], h[j], sum);
            }
            sums[q][r] = sum;
          }
        }
        for (var s = 0u; s < OWN; s++) {
          var values = array<vec4f, TOTAL_QUADS>();
          for (var k = 0u; k < TOTAL_QUADS; k++) {
            values[k] = sums[s * TOTAL_QUADS + k];
          }
          y[s] = select(y[s], vec4f(own_total(values, lane)), vec4u(c) == vec4u(0, 1, 2, 3));
        }
        for (var j = 0u; j < WIDE; j++) {
          if (lane * WIDE + j < N) {
            statesBSIN[((entry + 1) * I + i) * N + lane * WIDE + j] = h[j];
          }
        }
      }
      let skip = coefficient4(i4, N);
      for (var s = 0u; s < OWN; s++) {
        if (s * LANES + lane < positions) {
          let row = rows + t0 + s * LANES + lane;
          var out = y[s] + skip * u[s];
          if (HAS_Z) {
            let z = load4(&zBTI, run.Z_OFFSET + row * run.Z_STRIDE, i4);
            out *= z * sigmoid4(z);
          }
          store4(&yBTI, run.Y_OFFSET + row * run.Y_STRIDE, i4, out);
        }
      }
    }
  }
}
