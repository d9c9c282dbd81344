// With dyg = dy · silu(z), w[t] = exp(dt·A) ∘ h[t−1] and g the gradient of a state, from the last position to the first:
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
//                  selective_scan_pack, then what sum_partials adds up: at DA_AT [spans, B, I, N] (times A, so that the
//                  sum is daLog), at DSKIP_AT [spans, B, I], at DBIAS_AT [spans, B, I], at DH0_AT [B, I, N], at DBC_AT [workgroups, B, T, 2, N];
//                  at STARTS_AT [spans, B, I, N] the gradients behind every span but the last (selective_scan_carry)
//   8  run                    the block Run
//
// Laid out as selective_scan_forward: one workgroup 64 channels of one span, an invocation 4 channels × 4 entries of N, BLOCK positions
// at a time. A chunk's states are made again from the saved one and kept in the invocation; then the chunk is walked back.
// Sums over N go through n_tile, sums over the 64 channels through bc_parts; both are added in a fixed order.
// Bytes 4·B·T·(9·I + 6·N·I/64) and the states, flops 24·B·T·I·N with two exponentials a state: bound by arithmetic.
//
// In front of this file: lib/activations, lib/channels_vec4 or lib/channels_vec1 (Vec, load4, store4), and for udt and z
// lib/stored_f32 or, where they are words of two 16-bit floats, lib/halves and lib/stored_halves (Stored, stored4).

override I: u32;
override N: u32;
const CHUNK = 32u; // sizes an array of an invocation, which an override may not
override SOFTPLUS: bool;
override HAS_Z: bool;
override QUADS: u32;
override BLOCK: u32; // divides CHUNK
override LANES: u32 = 16 * QUADS;

// Sizes and places, in elements. They come with each launch, so one compilation serves every length, mask and layout.
struct Run {
  B: u32,
  T: u32,
  SPAN: u32,
  STARTS_AT: u32,
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

// A vec4f holds four neighbouring channels (in bc_parts four neighbouring entries of N).
var<workgroup> u_tile: array<vec4f, BLOCK * 16>; // [t][channels]
var<workgroup> dt_tile: array<vec4f, BLOCK * 16>;
var<workgroup> dyg_tile: array<vec4f, BLOCK * 16>;
var<workgroup> bc_tile: array<f32, BLOCK * 8 * QUADS>; // [t][B or C][n], zero from N on
var<workgroup> n_tile: array<vec4f, BLOCK * 3 * QUADS * 16>; // [t][g·B, g·(A∘w), C·h][quad][channels]
var<workgroup> bc_parts: array<vec4f, BLOCK * 2 * QUADS * 16>; // [t][dB or dC][quad][channels]

/// Column `column` of the coefficients of four channels; channels beyond the last repeat it and are never written.
fn coefficient4(i: u32, column: u32) -> vec4f {
  var value: vec4f;
  for (var c = 0u; c < 4; c++) {
    value[c] = work[min(i + c, I - 1) * (N + 2) + column];
  }
  return value;
}

fn z4(row: u32, i: u32) -> vec4f {
  return stored4(&zBTI, run.Z_OFFSET + row * run.Z_STRIDE, 0, i);
}

/// dy of four channels, zero beyond the last: then such channels add nothing to dB and dC.
fn dy4(row: u32, i: u32) -> vec4f {
  let dy = load4(&dyBTI, run.DY_OFFSET + row * run.DY_STRIDE, i);
  return select(vec4f(), dy, i + vec4u(0, 1, 2, 3) < vec4u(I));
}

fn raw4(row: u32, i: u32, half: u32) -> vec4f {
  return stored4(&udtBT2I, run.UDT_OFFSET + row * run.UDT_STRIDE, half * I, i);
}

fn stage(lane: u32, i: u32, bias: vec4f, row0: u32, positions: u32, back: bool) {
  for (var k = lane; k < BLOCK * 16; k += LANES) {
    let row = row0 + k / 16;
    var u = vec4f(0.0);
    var dt = vec4f(0.0); // beyond the last position a step of zero leaves state and gradient as they are
    var dyg = vec4f(0.0);
    if (k / 16 < positions) {
      u = raw4(row, i, 0);
      dt = raw4(row, i, 1) + bias;
      if (SOFTPLUS) {
        dt = softplus4(dt);
      }
      if (back) {
        dyg = dy4(row, i);
      }
      if (HAS_Z && back) {
        let z = z4(row, i);
        dyg *= z * sigmoid4(z);
      }
    }
    u_tile[k] = u;
    dt_tile[k] = dt;
    dyg_tile[k] = dyg;
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

/// The sums over N of a block, and what follows from them: du, d raw and dz. Returns the shares of dskip and of the bias.
fn write_channels(lane: u32, i: u32, skip: vec4f, bias: vec4f, row0: u32, positions: u32) -> array<vec4f, 2> {
  var shares: array<vec4f, 2>;
  for (var k = lane; k / 16 < positions; k += LANES) {
    let row = row0 + k / 16;
    var gb = vec4f(0.0);
    var gaw = vec4f(0.0);
    var ungated = skip * u_tile[k];
    for (var quad = 0u; quad < QUADS; quad++) {
      let at = (k / 16 * 3 * QUADS + quad) * 16 + k % 16;
      gb += n_tile[at];
      gaw += n_tile[at + QUADS * 16];
      ungated += n_tile[at + QUADS * 32];
    }
    let du = skip * dyg_tile[k] + dt_tile[k] * gb;
    var draw = u_tile[k] * gb + gaw;
    if (SOFTPLUS) {
      draw *= sigmoid4(raw4(row, i, 1) + bias);
    }
    shares[0] += dyg_tile[k] * u_tile[k];
    shares[1] += draw;
    var dz: vec4f;
    if (HAS_Z) {
      let z = z4(row, i);
      dz = dy4(row, i) * ungated * silu_derivative4(z, sigmoid4(z));
    }
    store4(&dudtBT2I, run.DUDT_OFFSET + row * run.DUDT_STRIDE, i, du);
    store4(&dudtBT2I, run.DUDT_OFFSET + row * run.DUDT_STRIDE + I, i, draw);
    if (HAS_Z) {
      store4(&dzBTI, run.DZ_OFFSET + row * run.DZ_STRIDE, i, dz);
    }
  }
  return shares;
}

/// The sums over the workgroup's channels of a block: its part of dB and dC.
fn write_bc(lane: u32, group: u32, row0: u32, positions: u32) {
  for (var k = lane; k < positions * 2 * QUADS; k += LANES) {
    var sum = vec4f(0.0);
    for (var channels = 0u; channels < 16; channels++) {
      sum += bc_parts[k * 16 + channels];
    }
    let t = k / (2 * QUADS);
    for (var j = 0u; j < 4; j++) {
      let n = k % QUADS * 4 + j;
      if (n < N) {
        work[run.DBC_AT + ((group * run.B * run.T + row0 + t) * 2 + k / QUADS % 2) * N + n] = sum[j];
      }
    }
  }
}

/// One store in a loop, not sixteen: what is run once need not be unrolled, which takes software adapters seconds to compile.
fn write_states(at: u32, part: u32, i: u32, n: u32, values: array<vec4f, 4>) {
  var copy = values;
  let entries = min(4u, N - min(n, N));
  for (var k = 0u; k < 4 * entries && i + k / entries < I; k++) {
    work[at + (part * I + i + k / entries) * N + n + k % entries] = copy[k % entries][k / entries];
  }
}

/// Adds up the shares of the QUADS invocations that moved the same four channels, and writes them.
fn write_shares(lane: u32, shares: array<vec4f, 2>, part: u32, i: u32) {
  workgroupBarrier();
  n_tile[lane] = shares[0];
  n_tile[LANES + lane] = shares[1];
  workgroupBarrier();
  var sums: array<vec4f, 2>;
  for (var quad = 0u; quad < QUADS; quad++) {
    sums[0] += n_tile[quad * 16 + lane % 16];
    sums[1] += n_tile[LANES + quad * 16 + lane % 16];
  }
  for (var c = 0u; c < 4; c++) {
    if (lane < 16 && i + c < I) {
      work[run.DSKIP_AT + part * I + i + c] = sums[0][c];
      work[run.DBIAS_AT + part * I + i + c] = sums[1][c];
    }
  }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let b = group.y;
  let part = group.z * run.B + b; // of the sums over spans and batch rows
  let chunks = (run.T + CHUNK - 1) / CHUNK;
  let quad = lane % QUADS;
  let channels = lane / QUADS;
  let i = group.x * 64 + channels * 4; // whose states this invocation holds
  let staged = group.x * 64 + lane % 16 * 4; // whose inputs and outputs it moves
  let skip = coefficient4(staged, N);
  let bias = coefficient4(staged, N + 1);
  var a: array<vec4f, 4>;
  for (var j = 0u; j < 4; j++) {
    if (quad * 4 + j < N) {
      a[j] = coefficient4(i, quad * 4 + j);
    }
  }
  var h: array<vec4f, 4>;
  var g: array<vec4f, 4>; // stays zero for channels beyond the last
  for (var j = 0u; j < 4; j++) {
    let n = quad * 4 + j;
    for (var c = 0u; c < 4; c++) {
      if (group.z + 1 < groups.z && n < N && i + c < I) {
        g[j][c] = work[run.STARTS_AT + (part * I + i + c) * N + n];
      }
    }
  }
  var da: array<vec4f, 4>;
  var shares: array<vec4f, 2>; // of dskip and of the bias
  var before: array<vec4f, CHUNK * 4>; // the states before each position of the chunk
  let first = group.z * run.SPAN / CHUNK;
  for (var chunk = min(first + run.SPAN / CHUNK, chunks); chunk > first; chunk--) {
    let t0 = (chunk - 1) * CHUNK;
    let blocks = (min(CHUNK, run.T - t0) + BLOCK - 1) / BLOCK;
    for (var j = 0u; j < 4; j++) {
      let n = quad * 4 + j;
      for (var c = 0u; c < 4; c++) {
        if (n < N) {
          h[j][c] = statesBSIN[((b * (chunks + 1) + chunk - 1) * I + min(i + c, I - 1)) * N + n];
        }
      }
    }
    // First through the chunk's blocks to make the states again, then back through them. One loop for both: on software
    // adapters a kernel takes the longer to compile the more barriers it has.
    for (var visit = 0u; visit < 2 * blocks; visit++) {
      let back = visit >= blocks;
      let block = select(visit, 2 * blocks - 1 - visit, back);
      let row0 = b * run.T + t0 + block * BLOCK;
      let positions = min(BLOCK, run.T - t0 - block * BLOCK);
      stage(lane, staged, bias, row0, positions, back);
      workgroupBarrier();
      for (var t = 0u; t < positions && !back; t++) {
        let dt = dt_tile[t * 16 + channels];
        let dtu = dt * u_tile[t * 16 + channels];
        for (var j = 0u; j < 4; j++) {
          before[(block * BLOCK + t) * 4 + j] = h[j];
          h[j] = exp(dt * a[j]) * h[j] + dtu * bc_tile[t * 8 * QUADS + quad * 4 + j];
        }
      }
      for (var s = select(0, positions, back); s > 0; s--) {
        let t = s - 1;
        let dt = dt_tile[t * 16 + channels];
        let dtu = dt * u_tile[t * 16 + channels];
        let dyg = dyg_tile[t * 16 + channels];
        var gb = vec4f(0.0);
        var gaw = vec4f(0.0);
        var ungated = vec4f(0.0);
        var db: vec4f;
        var dc: vec4f;
        for (var j = 0u; j < 4; j++) {
          let b_n = bc_tile[t * 8 * QUADS + quad * 4 + j];
          let c_n = bc_tile[t * 8 * QUADS + (QUADS + quad) * 4 + j];
          let decay = exp(dt * a[j]);
          let w = decay * before[(block * BLOCK + t) * 4 + j];
          let h_t = w + dtu * b_n;
          let g_t = g[j] + dyg * c_n;
          ungated += h_t * c_n;
          gb += g_t * b_n;
          dc[j] = dot(dyg, h_t);
          db[j] = dot(g_t, dtu);
          let gw = g_t * w;
          gaw += gw * a[j];
          da[j] += gw * dt;
          g[j] = g_t * decay;
        }
        let at = (t * 3 * QUADS + quad) * 16 + channels;
        n_tile[at] = gb;
        n_tile[at + QUADS * 16] = gaw;
        n_tile[at + QUADS * 32] = ungated;
        bc_parts[(t * 2 * QUADS + quad) * 16 + channels] = db;
        bc_parts[((t * 2 + 1) * QUADS + quad) * 16 + channels] = dc;
      }
      workgroupBarrier();
      if (back) {
        let added = write_channels(lane, staged, skip, bias, row0, positions);
        shares[0] += added[0];
        shares[1] += added[1];
        write_bc(lane, group.x, row0, positions);
      }
    }
  }
  for (var j = 0u; j < 4; j++) {
    da[j] *= a[j];
  }
  write_states(run.DA_AT, part, i, quad * 4, da);
  if (group.z == 0) {
    write_states(run.DH0_AT, b, i, quad * 4, g);
  }
  write_shares(lane, shares, part, staged);
}
