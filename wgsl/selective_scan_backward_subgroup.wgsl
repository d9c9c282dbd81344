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
// One workgroup is one subgroup of LANES invocations. It has CHANNELS channels of one batch row. It processes the chunks from last to
// first, and in a chunk one channel after the other. A short last chunk has its own launch with fewer steps (STEPS). An invocation holds
// WIDE states. It runs them forward through the chunk, keeps all decays and w, then runs backward, so each state needs one exponential.
// dB and dC are summed in each invocation. Each sum over N goes to the invocation that writes the position (own_total). g and dA, which a
// chunk passes to the one before it, stay in `work`. No barrier. Bytes 4·B·T·(9·I + 4·N·I/CHANNELS) and the states, flops 24·B·T·I·N with
// as many exponentials as states: bound by arithmetic.
//
// Inserted before this file: the constants of lib/scan_lanes, lib/scan_lanes, lib/activations, lib/channels_vec4 or lib/channels_vec1 (Vec,
// load4, store4), and for udt and z lib/stored_f32 or, where they are words of two 16-bit floats, lib/halves and lib/stored_halves (Stored,
// stored4).

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

/// Four channels at the positions of an invocation: lane, lane + LANES, …
struct Inputs {
  u: array<vec4f, OWN>,
  raw: array<vec4f, OWN>,
  dt: array<vec4f, OWN>, // beyond the last position a step of zero leaves state and gradient as they are
  z: array<vec4f, OWN>,
  dy: array<vec4f, OWN>,
  dyg: array<vec4f, OWN>,
}

fn inputs_of(lane: u32, i4: u32, row0: u32, positions: u32) -> Inputs {
  let run = run; // read once: not every compiler does that by itself
  let bias = coefficient4(i4, N + 1);
  let exists = i4 + vec4u(0, 1, 2, 3) < vec4u(I);
  var all: Inputs;
  for (var s = 0u; s < OWN; s++) {
    let row = row0 + min(s * LANES + lane, positions - 1);
    let inside = s * LANES + lane < positions;
    all.u[s] = stored4(&udtBT2I, run.UDT_OFFSET + row * run.UDT_STRIDE, 0, i4);
    all.raw[s] = stored4(&udtBT2I, run.UDT_OFFSET + row * run.UDT_STRIDE, I, i4) + bias;
    var dt = all.raw[s];
    if (SOFTPLUS) {
      dt = softplus4(dt);
    }
    all.dt[s] = select(vec4f(), dt, inside);
    let dy = load4(&dyBTI, run.DY_OFFSET + row * run.DY_STRIDE, i4);
    all.dy[s] = select(vec4f(), dy, exists & vec4<bool>(inside));
    all.dyg[s] = all.dy[s];
    if (HAS_Z) {
      all.z[s] = stored4(&zBTI, run.Z_OFFSET + row * run.Z_STRIDE, 0, i4);
      all.dyg[s] *= all.z[s] * sigmoid4(all.z[s]);
    }
  }
  return all;
}

/// What an invocation holds of a channel: A · log2(e), states, their gradients, and dA.
struct Channel {
  a: array<f32, WIDE>,
  h: array<f32, WIDE>,
  g: array<f32, WIDE>,
  da: array<f32, WIDE>,
}

/// Channel i with the states before a chunk and the gradients behind it.
fn channel_of(lane: u32, i: u32, b: u32, chunk: u32, chunks: u32) -> Channel {
  var all: Channel;
  for (var j = 0u; j < WIDE; j++) {
    let n = lane * WIDE + j;
    let at = i * N + min(n, N - 1);
    all.a[j] = select(0.0, work[i * (N + 2) + min(n, N - 1)] * LOG2_E, n < N);
    all.h[j] = statesBSIN[(b * (chunks + 1) + chunk - 1) * I * N + at];
    if (chunk < chunks) {
      all.g[j] = work[run.DH0_AT + b * I * N + at];
      all.da[j] = work[run.DA_AT + b * I * N + at];
    }
  }
  return all;
}

/// dt, dt·u and dyg of one channel at the positions of an invocation.
struct Positions {
  dt: array<f32, OWN>,
  dtu: array<f32, OWN>,
  dyg: array<f32, OWN>,
}

fn positions_of(inputs: ptr<function, Inputs>, c: u32) -> Positions {
  var all: Positions;
  for (var s = 0u; s < OWN; s++) {
    all.dt[s] = inputs.dt[s][c];
    all.dtu[s] = all.dt[s] * inputs.u[s][c];
    all.dyg[s] = inputs.dyg[s][c];
  }
  return all;
}

/// Of a chunk, [t][n] of an invocation: B and C; the sums dB and dC over channels; decays and w of one channel.
struct Chunk {
  b: array<vec4f, STATE_QUADS>,
  c: array<vec4f, STATE_QUADS>,
  db: array<vec4f, STATE_QUADS>,
  dc: array<vec4f, STATE_QUADS>,
  decay: array<vec4f, STATE_QUADS>,
  w: array<vec4f, STATE_QUADS>,
}

/// From the first position to the last: decays, w and dC. Returns this invocation's share of C · h.
fn walk(channel: ptr<function, Channel>, at_t: ptr<function, Positions>, chunk: ptr<function, Chunk>) -> array<vec4f, STEP_QUADS> {
  var sums = array<vec4f, STEP_QUADS>();
  for (var q = 0u; q < STEP_QUADS; q++) {
    for (var r = 0u; r < 4; r++) {
      let dt_t = subgroupBroadcast(at_t.dt[(q * 4 + r) / LANES], (q * 4 + r) % LANES);
      let dtu_t = subgroupBroadcast(at_t.dtu[(q * 4 + r) / LANES], (q * 4 + r) % LANES);
      let dyg_t = subgroupBroadcast(at_t.dyg[(q * 4 + r) / LANES], (q * 4 + r) % LANES);
      var sum = 0.0;
      for (var j = 0u; j < WIDE; j++) {
        let at = (q * 4 + r) * WIDE + j;
        let factor = exp2(dt_t * channel.a[j]);
        let kept = factor * channel.h[j];
        chunk.decay[at / 4][at % 4] = factor;
        chunk.w[at / 4][at % 4] = kept;
        channel.h[j] = fma(dtu_t, chunk.b[at / 4][at % 4], kept);
        sum = fma(chunk.c[at / 4][at % 4], channel.h[j], sum);
        chunk.dc[at / 4][at % 4] = fma(dyg_t, channel.h[j], chunk.dc[at / 4][at % 4]);
      }
      sums[q][r] = sum;
    }
  }
  return sums;
}

/// This invocation's shares of g·B and of g·(A∘w) · log2(e).
struct Shares {
  gb: array<vec4f, STEP_QUADS>,
  gaw: array<vec4f, STEP_QUADS>,
}

/// From the last position to the first: gradients of the states, dA and dB.
fn walk_back(channel: ptr<function, Channel>, at_t: ptr<function, Positions>, chunk: ptr<function, Chunk>) -> Shares {
  var shares: Shares;
  for (var p = 0u; p < STEP_QUADS; p++) {
    for (var o = 0u; o < 4; o++) {
      let dt_t = subgroupBroadcast(at_t.dt[(STEPS - 1 - p * 4 - o) / LANES], (STEPS - 1 - p * 4 - o) % LANES);
      let dtu_t = subgroupBroadcast(at_t.dtu[(STEPS - 1 - p * 4 - o) / LANES], (STEPS - 1 - p * 4 - o) % LANES);
      let dyg_t = subgroupBroadcast(at_t.dyg[(STEPS - 1 - p * 4 - o) / LANES], (STEPS - 1 - p * 4 - o) % LANES);
      var sum = 0.0;
      var other = 0.0;
      for (var j = 0u; j < WIDE; j++) {
        let at = (STEPS - 1 - p * 4 - o) * WIDE + j;
        let g_t = fma(dyg_t, chunk.c[at / 4][at % 4], channel.g[j]);
        let gw = g_t * chunk.w[at / 4][at % 4];
        sum = fma(g_t, chunk.b[at / 4][at % 4], sum);
        other = fma(gw, channel.a[j], other);
        chunk.db[at / 4][at % 4] = fma(g_t, dtu_t, chunk.db[at / 4][at % 4]);
        channel.da[j] = fma(gw, dt_t, channel.da[j]);
        channel.g[j] = g_t * chunk.decay[at / 4][at % 4];
      }
      shares.gb[STEP_QUADS - 1 - p][3 - o] = sum;
      shares.gaw[STEP_QUADS - 1 - p][3 - o] = other;
    }
  }
  return shares;
}

/// Sums over N at the positions of an invocation, for four channels: g·B, g·(A∘w) and C·h.
struct Sums {
  gb: array<vec4f, OWN>,
  gaw: array<vec4f, OWN>,
  ungated: array<vec4f, OWN>,
}

/// Writes du, d raw and dz of four channels, and adds to dskip and to the bias.
fn write_channels(lane: u32, i4: u32, row0: u32, positions: u32, inputs: ptr<function, Inputs>, sums: ptr<function, Sums>) -> array<vec4f, 2> {
  let run = run; // read once: not every compiler does that by itself
  let skip = coefficient4(i4, N);
  var shares: array<vec4f, 2>;
  for (var s = 0u; s < OWN; s++) {
    let row = row0 + s * LANES + lane;
    let du = skip * inputs.dyg[s] + inputs.dt[s] * sums.gb[s];
    var draw = inputs.u[s] * sums.gb[s] + sums.gaw[s];
    if (SOFTPLUS) {
      draw *= sigmoid4(inputs.raw[s]);
    }
    if (s * LANES + lane < positions) {
      shares[0] += inputs.dyg[s] * inputs.u[s];
      shares[1] += draw;
      store4(&dudtBT2I, run.DUDT_OFFSET + row * run.DUDT_STRIDE, i4, du);
      store4(&dudtBT2I, run.DUDT_OFFSET + row * run.DUDT_STRIDE + I, i4, draw);
      if (HAS_Z) {
        let dz = inputs.dy[s] * (sums.ungated[s] + skip * inputs.u[s]) * silu_derivative4(inputs.z[s], sigmoid4(inputs.z[s]));
        store4(&dzBTI, run.DZ_OFFSET + row * run.DZ_STRIDE, i4, dz);
      }
    }
  }
  return shares;
}

/// Adds dskip and dbias of four channels to what later chunks wrote.
fn add_shares(lane: u32, i4: u32, b: u32, is_last: bool, shares: array<vec4f, 2>) {
  let dskip = total4(shares[0]);
  let dbias = total4(shares[1]);
  if (lane < 4 && i4 + lane < I) {
    let at = b * I + i4 + lane;
    if (is_last) {
      work[run.DSKIP_AT + at] = dskip[lane];
      work[run.DBIAS_AT + at] = dbias[lane];
    } else {
      work[run.DSKIP_AT + at] += dskip[lane];
      work[run.DBIAS_AT + at] += dbias[lane];
    }
  }
}

/// What a channel passes on to the chunk before; in front of the first chunk dA is multiplied by A.
fn write_channel(lane: u32, i: u32, b: u32, is_first: bool, channel: ptr<function, Channel>) {
  for (var j = 0u; j < WIDE; j++) {
    let n = lane * WIDE + j;
    if (n < N) {
      work[run.DH0_AT + (b * I + i) * N + n] = channel.g[j];
      work[run.DA_AT + (b * I + i) * N + n] = channel.da[j] * select(1.0, channel.a[j] / LOG2_E, is_first);
    }
  }
}

/// Writes the sums over the channels of a workgroup for the positions from row0 on.
fn write_dbc(lane: u32, group: u32, row0: u32, positions: u32, chunk: ptr<function, Chunk>) {
  for (var quad = 0u; quad * 4 < positions * WIDE; quad++) {
    let db_quad = chunk.db[quad];
    let dc_quad = chunk.dc[quad];
    for (var e = 0u; e < 4; e++) {
      let t = (quad * 4 + e) / WIDE;
      let n = lane * WIDE + (quad * 4 + e) % WIDE;
      let place = run.DBC_AT + ((group * run.B * run.T + row0 + t) * 2) * N + n;
      if (t < positions && n < N) {
        work[place] = db_quad[e];
        work[place + N] = dc_quad[e];
      }
    }
  }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let run = run; // read once: not every compiler does that by itself
  let b = group.y;
  let first = group.x * run.CHANNELS;
  let last = min(first + run.CHANNELS, I);
  let chunks = (run.T + CHUNK - 1) / CHUNK;
  for (var number = run.END; number > run.BEGIN; number--) {
    let t0 = (number - 1) * CHUNK;
    let row0 = b * run.T + t0;
    let positions = min(STEPS, run.T - t0);
    var chunk = Chunk();
    for (var quad = 0u; quad * 4 < positions * WIDE; quad++) {
      chunk.b[quad] = own_states(lane, quad, run.BC_OFFSET, row0, row0 + positions - 1, run.BC_STRIDE);
      chunk.c[quad] = own_states(lane, quad, run.BC_OFFSET + N, row0, row0 + positions - 1, run.BC_STRIDE);
    }
    for (var i4 = first; i4 < last; i4 += 4) {
      var inputs = inputs_of(lane, i4, row0, positions);
      var sums = Sums();
      for (var i = i4; i < min(i4 + 4, last); i++) {
        let here = vec4u(i - i4) == vec4u(0, 1, 2, 3);
        var channel = channel_of(lane, i, b, number, chunks);
        var at_t = positions_of(&inputs, i - i4);
        let ungated = own_totals(walk(&channel, &at_t, &chunk), lane);
        let shares = walk_back(&channel, &at_t, &chunk);
        let gb = own_totals(shares.gb, lane);
        let gaw = own_totals(shares.gaw, lane);
        for (var s = 0u; s < OWN; s++) {
          sums.ungated[s] = select(sums.ungated[s], vec4f(ungated[s]), here);
          sums.gb[s] = select(sums.gb[s], vec4f(gb[s]), here);
          sums.gaw[s] = select(sums.gaw[s], vec4f(gaw[s] / LOG2_E), here);
        }
        write_channel(lane, i, b, number == 1, &channel);
      }
      add_shares(lane, i4, b, number == chunks, write_channels(lane, i4, row0, positions, &inputs, &sums));
    }
    write_dbc(lane, group.x, row0, positions, &chunk);
  }
}
