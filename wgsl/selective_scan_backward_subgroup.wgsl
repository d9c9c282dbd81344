// selective_scan_backward for software adapters, laid out as selective_scan_forward_subgroup. With dyg = dy · silu(z),
// w[t] = exp(dt·A) ∘ h[t−1] and g the gradient of a state, from the last position to the first:
// g[t] = dyg·C[t] + exp(dt[t+1]·A) ∘ g[t+1]; dC = Σ_i dyg·h; dB = Σ_i g·dt·u; du = skip·dyg + dt·(g·B);
// d dt = u·(g·B) + g·(A∘w); dA = Σ_t g∘w·dt; dz = dy · (C·h + skip·u) · silu′(z).
//
//   0  dyBTI       [B, T, I]              f32  read   rows DY_STRIDE apart
//   1  udtBT2I     [B, T, 2, I]           f32  read   u, then the raw step size; rows UDT_STRIDE apart (see below)
//   2  bcBT2N      [B, T, 2, N]           f32  read   B, then C; rows BC_STRIDE apart
//   3  zBTI        [B, T, I]              f32  read   rows Z_STRIDE apart (see below); ignored unless HAS_Z
//   4  statesBSIN  [B, chunks + 1, I, N]  f32  read   the state before every CHUNK-th position
//   5  dudtBT2I    [B, T, 2, I]           f32  write  rows DUDT_STRIDE apart
//   6  dzBTI       [B, T, I]              f32  write  rows DZ_STRIDE apart; only with HAS_Z
//   7  work        one storage            f32  read and write, because bindings are few: the coefficients [I, N + 2] of
//                  selective_scan_pack, then what sum_partials adds up: at DA_AT [B, I, N] (times A, so that the sum is
//                  daLog), at DSKIP_AT [B, I], at DBIAS_AT [B, I], at DH0_AT [B, I, N], at DBC_AT [workgroups, B, T, 2, N]
//   8  run                    the block Run
//
// One workgroup is one subgroup of LANES invocations: CHANNELS channels of one batch row, a chunk of positions at a time, from
// the last (which has STEPS for CHUNK and a launch of its own where it has few); within a chunk channel after channel. An invocation holds WIDE states of the channel. It walks them through the chunk and
// keeps every decay and every w, so that there is one exponential a state, then it walks back. The sums over channels, dB and dC, add
// up in each invocation; the sums over N come back to whoever moves the position (own_total). What a chunk passes on to the one before
// it, g and dA, lies where it ends up in `work`. No barrier. Bytes 4·B·T·(9·I + 4·N·I/CHANNELS) and the states, flops 24·B·T·I·N with
// as many exponentials as states: bound by arithmetic.
//
// In front of this file: WIDE (states of an invocation), STEPS, OWN = STEPS / LANES (its positions), STEP_QUADS = STEPS / 4, TOTAL_QUADS = LANES / 4,
// lib/lane_totals_*, lib/activations, lib/channels_vec4 or lib/channels_vec1 (Vec, load4, store4),
// and for udt and z lib/stored_f32 or, where they are words of two 16-bit floats, lib/halves and lib/stored_halves (Stored, stored4).

override I: u32;
override N: u32;
override SOFTPLUS: bool;
override HAS_Z: bool;
const CHUNK = 32u;
const STATE_QUADS = STEPS * WIDE / 4; // of an invocation's B or C, [t][n]
const UNROLL_UP_TO = 200000; // core/webgpu/unroll.ts: loops over states and positions index registers
const LOG2_E = 1.4426950408889634;

// Sizes and places, in elements. They come with each launch, so one compilation serves every length, mask and layout.
struct Run {
  B: u32,
  T: u32,
  BEGIN: u32, // the chunks of this launch
  END: u32,
  CHANNELS: u32,
  DY_OFFSET: u32,
  DY_STRIDE: u32,
  UDT_OFFSET: u32,
  UDT_STRIDE: u32,
  BC_OFFSET: u32,
  BC_STRIDE: u32,
  Z_OFFSET: u32,
  Z_STRIDE: u32,
  DUDT_OFFSET: u32,
  DUDT_STRIDE: u32,
  DZ_OFFSET: u32,
  DZ_STRIDE: u32,
  DA_AT: u32,
  DSKIP_AT: u32,
  DBIAS_AT: u32,
  DH0_AT: u32,
  DBC_AT: u32,
}

@group(0) @binding(0) var<storage, read> dyBTI: array<Vec>;
@group(0) @binding(1) var<storage, read> udtBT2I: array<Stored>;
@group(0) @binding(2) var<storage, read> bcBT2N: array<f32>;
@group(0) @binding(3) var<storage, read> zBTI: array<Stored>;
@group(0) @binding(4) var<storage, read> statesBSIN: array<f32>;
@group(0) @binding(5) var<storage, read_write> dudtBT2I: array<Vec>;
@group(0) @binding(6) var<storage, read_write> dzBTI: array<Vec>;
@group(0) @binding(7) var<storage, read_write> work: array<f32>;
@group(0) @binding(8) var<uniform> run: Run;

/// Column `column` of the coefficients of four channels; channels beyond the last repeat it and are never written.
fn coefficient4(i: u32, column: u32) -> vec4f {
  let at = min(i + vec4u(0, 1, 2, 3), vec4u(I - 1)) * (N + 2) + column;
  return vec4f(work[at.x], work[at.y], work[at.z], work[at.w]);
}

/// The totals over the subgroup, the same in every lane.
fn total4(own: vec4f) -> vec4f {
  var sum = own;
  for (var half = LANES / 2; half > 0; half /= 2) {
    sum += subgroupShuffleXor(sum, half);
  }
  return sum;
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
  let chunks = (run.T + CHUNK - 1) / CHUNK;
  var b_own: array<vec4f, STATE_QUADS>;
  var c_own: array<vec4f, STATE_QUADS>;
  for (var chunk = run.END; chunk > run.BEGIN; chunk--) {
    let t0 = (chunk - 1) * CHUNK;
    let rows = b * run.T + t0;
    let positions = min(STEPS, run.T - t0);
    for (var quad = 0u; quad * 4 < positions * WIDE; quad++) {
      b_own[quad] = own_states(lane, quad, run.BC_OFFSET, rows, rows + positions - 1, run.BC_STRIDE);
      c_own[quad] = own_states(lane, quad, run.BC_OFFSET + N, rows, rows + positions - 1, run.BC_STRIDE);
    }
    var db = array<vec4f, STATE_QUADS>();
    var dc = array<vec4f, STATE_QUADS>();
    for (var i4 = first; i4 < last; i4 += 4) {
      let skip = coefficient4(i4, N);
      let bias = coefficient4(i4, N + 1);
      let exists = i4 + vec4u(0, 1, 2, 3) < vec4u(I);
      var u = array<vec4f, OWN>();
      var raw = array<vec4f, OWN>();
      var dt = array<vec4f, OWN>(); // beyond the last position a step of zero leaves state and gradient as they are
      var z = array<vec4f, OWN>();
      var dy = array<vec4f, OWN>();
      var dyg = array<vec4f, OWN>();
      for (var s = 0u; s < OWN; s++) {
        let row = rows + min(s * LANES + lane, positions - 1);
        let inside = s * LANES + lane < positions;
        u[s] = stored4(&udtBT2I, run.UDT_OFFSET + row * run.UDT_STRIDE, 0, i4);
        raw[s] = stored4(&udtBT2I, run.UDT_OFFSET + row * run.UDT_STRIDE, I, i4) + bias;
        dt[s] = raw[s];
        if (SOFTPLUS) {
          dt[s] = softplus4(raw[s]);
        }
        dt[s] = select(vec4f(), dt[s], inside);
        dy[s] = load4(&dyBTI, run.DY_OFFSET + row * run.DY_STRIDE, i4);
        dy[s] = select(vec4f(), dy[s], exists & vec4<bool>(inside));
        dyg[s] = dy[s];
        if (HAS_Z) {
          z[s] = stored4(&zBTI, run.Z_OFFSET + row * run.Z_STRIDE, 0, i4);
          dyg[s] *= z[s] * sigmoid4(z[s]);
        }
      }
      var gb = array<vec4f, OWN>();      // g·B
      var gaw = array<vec4f, OWN>();     // g·(A∘w)
      var ungated = array<vec4f, OWN>(); // C·h
      for (var i = i4; i < min(i4 + 4, last); i++) {
        let c = i - i4;
        let here = vec4u(c) == vec4u(0, 1, 2, 3);
        var a = array<f32, WIDE>(); // times log2 e
        var h = array<f32, WIDE>();
        var g = array<f32, WIDE>();
        var da = array<f32, WIDE>();
        for (var j = 0u; j < WIDE; j++) {
          let n = lane * WIDE + j;
          let at = i * N + min(n, N - 1);
          a[j] = select(0.0, work[i * (N + 2) + min(n, N - 1)] * LOG2_E, n < N);
          h[j] = statesBSIN[(b * (chunks + 1) + chunk - 1) * I * N + at];
          if (chunk < chunks) {
            g[j] = work[run.DH0_AT + b * I * N + at];
            da[j] = work[run.DA_AT + b * I * N + at];
          }
        }
        var dt_own = array<f32, OWN>();
        var dtu_own = array<f32, OWN>();
        var dyg_own = array<f32, OWN>();
        for (var s = 0u; s < OWN; s++) {
          dt_own[s] = dt[s][c];
          dtu_own[s] = dt_own[s] * u[s][c];
          dyg_own[s] = dyg[s][c];
        }
        var decay = array<vec4f, STATE_QUADS>();
        var w = array<vec4f, STATE_QUADS>();
        var sums = array<vec4f, STEP_QUADS>();
        for (var q = 0u; q < STEP_QUADS; q++) {
          for (var r = 0u; r < 4; r++) {
            let dt_t = subgroupBroadcast(dt_own[(q * 4 + r) / LANES], (q * 4 + r) % LANES);
            let dtu_t = subgroupBroadcast(dtu_own[(q * 4 + r) / LANES], (q * 4 + r) % LANES);
            let dyg_t = subgroupBroadcast(dyg_own[(q * 4 + r) / LANES], (q * 4 + r) % LANES);
            var sum = 0.0;
            for (var j = 0u; j < WIDE; j++) {
              let at = (q * 4 + r) * WIDE + j;
              let factor = exp2(dt_t * a[j]);
              let kept = factor * h[j];
              decay[at / 4][at % 4] = factor;
              w[at / 4][at % 4] = kept;
              h[j] = fma(dtu_t, b_own[at / 4][at % 4], kept);
              sum = fma(c_own[at / 4][at % 4], h[j], sum);
              dc[at / 4][at % 4] = fma(dyg_t, h[j], dc[at / 4][at % 4]);
            }
            sums[q][r] = sum;
          }
        }
        for (var s = 0u; s < OWN; s++) {
          var values = array<vec4f, TOTAL_QUADS>();
          for (var k = 0u; k < TOTAL_QUADS; k++) {
            values[k] = sums[s * TOTAL_QUADS + k];
          }
          ungated[s] = select(ungated[s], vec4f(own_total(values, lane)), here);
        }
        var more = array<vec4f, STEP_QUADS>();
        for (var p = 0u; p < STEP_QUADS; p++) {
          for (var o = 0u; o < 4; o++) {
            let dt_t = subgroupBroadcast(dt_own[(STEPS - 1 - p * 4 - o) / LANES], (STEPS - 1 - p * 4 - o) % LANES);
            let dtu_t = subgroupBroadcast(dtu_own[(STEPS - 1 - p * 4 - o) / LANES], (STEPS - 1 - p * 4 - o) % LANES);
            let dyg_t = subgroupBroadcast(dyg_own[(STEPS - 1 - p * 4 - o) / LANES], (STEPS - 1 - p * 4 - o) % LANES);
            var sum = 0.0;
            var other = 0.0;
            for (var j = 0u; j < WIDE; j++) {
              let at = (STEPS - 1 - p * 4 - o) * WIDE + j;
              let g_t = fma(dyg_t, c_own[at / 4][at % 4], g[j]);
              let gw = g_t * w[at / 4][at % 4];
              sum = fma(g_t, b_own[at / 4][at % 4], sum);
              other = fma(gw, a[j], other);
              db[at / 4][at % 4] = fma(g_t, dtu_t, db[at / 4][at % 4]);
              da[j] = fma(gw, dt_t, da[j]);
              g[j] = g_t * decay[at / 4][at % 4];
            }
            sums[STEP_QUADS - 1 - p][3 - o] = sum;
            more[STEP_QUADS - 1 - p][3 - o] = other;
          }
        }
        for (var s = 0u; s < OWN; s++) {
          var values = array<vec4f, TOTAL_QUADS>();
          var others = array<vec4f, TOTAL_QUADS>();
          for (var k = 0u; k < TOTAL_QUADS; k++) {
            values[k] = sums[s * TOTAL_QUADS + k];
            others[k] = more[s * TOTAL_QUADS + k];
          }
          gb[s] = select(gb[s], vec4f(own_total(values, lane)), here);
          gaw[s] = select(gaw[s], vec4f(own_total(others, lane) / LOG2_E), here);
        }
        for (var j = 0u; j < WIDE; j++) {
          let n = lane * WIDE + j;
          if (n < N) {
            work[run.DH0_AT + (b * I + i) * N + n] = g[j];
            work[run.DA_AT + (b * I + i) * N + n] = da[j] * select(1.0, a[j] / LOG2_E, chunk == 1);
          }
        }
      }
      var dskip = vec4f();
      var dbias = vec4f();
      for (var s = 0u; s < OWN; s++) {
        let row = rows + s * LANES + lane;
        let du = skip * dyg[s] + dt[s] * gb[s];
        var draw = u[s] * gb[s] + gaw[s];
        if (SOFTPLUS) {
          draw *= sigmoid4(raw[s]);
        }
        if (s * LANES + lane < positions) {
          dskip += dyg[s] * u[s];
          dbias += draw;
          store4(&dudtBT2I, run.DUDT_OFFSET + row * run.DUDT_STRIDE, i4, du);
          store4(&dudtBT2I, run.DUDT_OFFSET + row * run.DUDT_STRIDE + I, i4, draw);
          if (HAS_Z) {
            let dz = dy[s] * (ungated[s] + skip * u[s]) * silu_derivative4(z[s], sigmoid4(z[s]));
            store4(&dzBTI, run.DZ_OFFSET + row * run.DZ_STRIDE, i4, dz);
          }
        }
      }
      dskip = total4(dskip);
      dbias = total4(dbias);
      if (lane < 4 && i4 + lane < I) {
        let at = b * I + i4 + lane;
        if (chunk == chunks) {
          work[run.DSKIP_AT + at] = dskip[lane];
          work[run.DBIAS_AT + at] = dbias[lane];
        } else {
          work[run.DSKIP_AT + at] += dskip[lane];
          work[run.DBIAS_AT + at] += dbias[lane];
        }
      }
    }
    for (var quad = 0u; quad * 4 < positions * WIDE; quad++) {
      let db_quad = db[quad];
      let dc_quad = dc[quad];
      for (var e = 0u; e < 4; e++) {
        let t = (quad * 4 + e) / WIDE;
        let n = lane * WIDE + (quad * 4 + e) % WIDE;
        let place = run.DBC_AT + ((group.x * run.B * run.T + rows + t) * 2) * N + n;
        if (t < positions && n < N) {
          work[place] = db_quad[e];
          work[place + N] = dc_quad[e];
        }
      }
    }
  }
}
