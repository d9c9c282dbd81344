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
//                  at STARTS_AT [spans, B, I, N] the gradients after every span but the last (selective_scan_carry);
//                  at KEPT_AT [all workgroups, CHUNK / BLOCK, 2·EACH, LANES] the states before each block of the current chunk
//   8  run                    the block Run
//
// One workgroup takes 64 channels of one span (lib/scan_tiles). An invocation holds two channels and EACH entries of N; part `lane / 32`, so that
// neighbours touch neighbouring places of workgroup memory. The states of a chunk are recomputed from the saved one, and the state before each block
// of BLOCK positions is kept in memory, where it stays in caches. Then the blocks are processed from the last to the first. The states before every
// second position are recomputed and kept in registers; the state between two of them is computed when needed. With all of them in registers, or
// with four channels per invocation, the kernel needs more than 128 registers on AMD's chips (docs/rejected.md).
// Sums over N go through n_tile, sums over the 64 channels through bc_parts. Both are added in a fixed order. Arrays lie in arrays, because only an
// index that is not a constant is checked: so each invocation's loads of a sum have one check, and are joined to loads of 128 bits.
// Bytes 4·B·T·(9·I + 6·N·I/64) and the states, flops 30·B·T·I·N with four exponentials per state: bound by arithmetic and workgroup memory.
//
// Inserted before this file: EACH (4), BLOCK (even, divides CHUNK), ACROSS (32); lib/activations, lib/channels_vec4 or lib/channels_vec1 (Vec, load4, store4),
// for udt and z lib/stored_f32 or, where they are words of two 16-bit floats, lib/halves and lib/stored_halves (Stored, stored4), lib/scan_tiles.

const CHUNK = 32u;
override HAS_Z: bool;

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
  KEPT_AT: u32,
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

// [u, dt, dyg][t][channels]; once position t is processed, its sums over N overwrite them: [g·B, g·(A∘w), C·h][t][channels]. Channels: fours of pairs.
var<workgroup> tile: array<array<array<array<vec2f, 2>, 16>, BLOCK>, 3>;
var<workgroup> n_tile: array<array<vec2f, 96>, PARTS>; // [part][g·B, g·(A∘w), C·h; channels] of one position
// [dB or dC; n][channels] of one position, one number per pair of channels. Numbers, not vectors: invocations store neighbours at the same
// time, and a store to one component of a vector may write all of it.
var<workgroup> bc_parts: array<array<f32, 32>, 2 * EACH * PARTS>;

/// Where an invocation and what it holds are.
struct Place {
  lane: u32,
  part: u32,
  pair: u32,   // of 32 pairs of channels
  i: u32,      // the first channel whose states it holds
  staged: u32, // the first of the four channels whose inputs and outputs it moves
}

fn z4(row: u32, i: u32) -> vec4f {
  return stored4(&zBTI, run.Z_OFFSET + row * run.Z_STRIDE, 0, i);
}

/// dy of four channels, zero beyond the last: then such channels add nothing to dB and dC.
fn dy4(row: u32, i: u32) -> vec4f {
  let dy = load4(&dyBTI, run.DY_OFFSET + row * run.DY_STRIDE, i);
  return select(vec4f(), dy, i + vec4u(0, 1, 2, 3) < vec4u(I));
}

/// Four channels of an input or of a sum over N; k is 16 times the position plus the four.
fn of_tile(which: u32, k: u32) -> vec4f {
  let pairs = tile[which][k / 16][k % 16];
  return vec4f(pairs[0], pairs[1]);
}

fn set_tile(which: u32, k: u32, value: vec4f) {
  tile[which][k / 16][k % 16] = array<vec2f, 2>(value.xy, value.zw);
}

/// The same of the two channels of an invocation at position t.
fn of_pair(place: Place, which: u32, t: u32) -> vec2f {
  return tile[which][t][place.pair / 2][place.pair % 2];
}

/// The inputs of a block. A step size of zero beyond the last position leaves state and gradient as they are.
fn stage(place: Place, row0: u32, positions: u32, back: bool) {
  let bias = coefficient4(place.staged, N + 1);
  for (var k = place.lane; k < BLOCK * 16; k += LANES) {
    let row = row0 + k / 16;
    var u = vec4f();
    var dt = vec4f();
    var dyg = vec4f();
    if (k / 16 < positions) {
      u = raw4(row, place.staged, 0);
      dt = step4(row, place.staged, bias);
      if (back) {
        dyg = dy4(row, place.staged);
        if (HAS_Z) {
          let z = z4(row, place.staged);
          dyg *= z * sigmoid4(z);
        }
      }
    }
    set_tile(0, k, u);
    set_tile(1, k, dt);
    if (back) {
      set_tile(2, k, dyg);
    }
  }
  stage_bc(place.lane, row0, positions);
}

/// B (which 0) or C (which 1) of position t, for the entries of this invocation.
fn entries(place: Place, t: u32, which: u32) -> vec4f {
  return bc_tile[(t * 2 + which) * N_QUADS + place.part];
}

/// The states after position t of the block.
fn advance(place: Place, t: u32, a: array<vec2f, EACH>, h: array<vec2f, EACH>) -> array<vec2f, EACH> {
  let dt = of_pair(place, 1, t);
  let dtu = dt * of_pair(place, 0, t);
  let b = entries(place, t, 0);
  var next: array<vec2f, EACH>;
  for (var j = 0u; j < EACH; j++) {
    next[j] = exp2(dt * a[j]) * h[j] + dtu * b[j];
  }
  return next;
}

/// What an invocation carries from position to position.
struct Gradients {
  g: array<vec2f, EACH>,
  da: array<vec2f, EACH>,
}

/// Position t of the block, backwards, from the states before it; leaves its share of all sums in n_tile and bc_parts.
fn step_back(place: Place, t: u32, a: array<vec2f, EACH>, before: array<vec2f, EACH>, given: Gradients) -> Gradients {
  var next = given;
  let dt = of_pair(place, 1, t);
  let dtu = dt * of_pair(place, 0, t);
  let dyg = of_pair(place, 2, t);
  let b = entries(place, t, 0);
  let c = entries(place, t, 1);
  var gb = vec2f();
  var gaw = vec2f();
  var ungated = vec2f();
  for (var j = 0u; j < EACH; j++) {
    let decay = exp2(dt * a[j]);
    let w = decay * before[j];
    let h = w + dtu * b[j];
    let g = next.g[j] + dyg * c[j];
    let gw = g * w;
    ungated += h * c[j];
    gb += g * b[j];
    gaw += gw * a[j];
    next.da[j] += gw * dt;
    next.g[j] = g * decay;
    bc_parts[place.part * EACH + j][place.pair] = dot(g, dtu);
    bc_parts[(PARTS + place.part) * EACH + j][place.pair] = dot(dyg, h);
  }
  n_tile[place.part][place.pair] = gb;
  n_tile[place.part][32 + place.pair] = LN_2 * gaw;
  n_tile[place.part][64 + place.pair] = ungated;
  return next;
}

/// The sums of position t: over N in the place of its inputs, over the channels of the workgroup into memory.
fn add_up(lane: u32, group: u32, row: u32, t: u32, is_there: bool) {
  for (var k = lane; k < 96 + 2 * N; k += LANES) {
    if (k < 96) {
      var sum = vec2f();
      for (var part = 0u; part < PARTS; part++) {
        sum += n_tile[part][k];
      }
      tile[k / 32][t][k % 32 / 2][k % 2] = sum;
    } else if (is_there) {
      let which = (k - 96) / N;
      let n = (k - 96) % N;
      let entry = which * PARTS * EACH + n;
      var sum = vec4f();
      for (var p = 0u; p < 32; p += 4) {
        sum += vec4f(bc_parts[entry][p], bc_parts[entry][p + 1], bc_parts[entry][p + 2], bc_parts[entry][p + 3]);
      }
      work[run.DBC_AT + ((group * run.B * run.T + row) * 2 + which) * N + n] = dot(sum, vec4f(1.0));
    }
  }
}

/// Computes du, d raw and dz from the sums over N of a block. The inputs are read again, because the sums overwrote them. Returns the
/// shares of dskip and of the bias.
fn write_channels(place: Place, row0: u32, positions: u32) -> array<vec4f, 2> {
  let skip = coefficient4(place.staged, N);
  let bias = coefficient4(place.staged, N + 1);
  var shares: array<vec4f, 2>;
  for (var k = place.lane; k / 16 < positions; k += LANES) {
    let row = row0 + k / 16;
    let gb = of_tile(0, k);
    let u = raw4(row, place.staged, 0);
    let raw = raw4(row, place.staged, 1) + bias;
    let dy = dy4(row, place.staged);
    var draw = u * gb + of_tile(1, k);
    var dt = raw;
    if (SOFTPLUS) {
      draw *= sigmoid4(raw);
      dt = softplus4(raw);
    }
    var dyg = dy;
    if (HAS_Z) {
      let z = z4(row, place.staged);
      let gate = sigmoid4(z);
      dyg *= z * gate;
      let dz = dy * (skip * u + of_tile(2, k)) * silu_derivative4(z, gate);
      store4(&dzBTI, run.DZ_OFFSET + row * run.DZ_STRIDE, place.staged, dz);
    }
    shares[0] += dyg * u;
    shares[1] += draw;
    let to = run.DUDT_OFFSET + row * run.DUDT_STRIDE;
    store4(&dudtBT2I, to, place.staged, skip * dyg + dt * gb);
    store4(&dudtBT2I, to + I, place.staged, draw);
  }
  return shares;
}

/// Adds up the shares of the invocations that moved the same four channels, and writes them.
fn write_shares(place: Place, shares: array<vec4f, 2>, part: u32) {
  var sums: array<vec4f, 2>;
  for (var which = 0u; which < 2; which++) {
    workgroupBarrier();
    n_tile[place.lane / 32][2 * (place.lane % 32)] = shares[which].xy;
    n_tile[place.lane / 32][2 * (place.lane % 32) + 1] = shares[which].zw;
    workgroupBarrier();
    for (var other = place.lane % 16; other < LANES; other += 16) {
      sums[which] += vec4f(n_tile[other / 32][2 * (other % 32)], n_tile[other / 32][2 * (other % 32) + 1]);
    }
  }
  for (var c = 0u; c < 4; c++) {
    if (place.lane < 16 && place.staged + c < I) {
      work[run.DSKIP_AT + part * I + place.staged + c] = sums[0][c];
      work[run.DBIAS_AT + part * I + place.staged + c] = sums[1][c];
    }
  }
}

/// The gradients after this span. They are zero after the last span, and for channels that do not exist.
fn first_gradients(place: Place, part: u32, is_last: bool) -> Gradients {
  var first: Gradients;
  for (var j = 0u; j < EACH; j++) {
    let n = place.part * EACH + j;
    for (var c = 0u; c < 2; c++) {
      if (!is_last && n < N && place.i + c < I) {
        first.g[j][c] = work[run.STARTS_AT + (part * I + place.i + c) * N + n];
      }
    }
  }
  return first;
}

/// The states before a chunk.
fn saved_states(place: Place, at: u32) -> array<vec2f, EACH> {
  var h: array<vec2f, EACH>;
  for (var j = 0u; j < EACH; j++) {
    for (var c = 0u; c < 2; c++) {
      h[j][c] = statesBSIN[entry_place(at, place.i, place.part * EACH, c, j)];
    }
  }
  return h;
}

/// A · log2(e) of two channels and EACH entries, for exp2; zero from N on.
fn pair_exponents(i: u32, n: u32) -> array<vec2f, EACH> {
  var all: array<vec2f, EACH>;
  for (var j = 0u; j < EACH; j++) {
    let at = min(i + vec2u(0, 1), vec2u(I - 1)) * (N + 2) + min(n + j, N - 1);
    all[j] = select(vec2f(), LOG2_E * vec2f(work[at.x], work[at.y]), n + j < N);
  }
  return all;
}

/// Writes two channels and EACH entries of [I, N], as far as they exist.
fn write_pair(at: u32, i: u32, n: u32, values: array<vec2f, EACH>) {
  var copy = values;
  for (var j = 0u; j < EACH; j++) {
    for (var c = 0u; c < 2; c++) {
      if (i + c < I && n + j < N) {
        work[entry_place(at, i, n, c, j)] = copy[j][c];
      }
    }
  }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let place = Place(lane, lane / 32, lane % 32, group.x * 64 + lane % 32 * 2, group.x * 64 + lane % 16 * 4);
  let b = group.y;
  let part = group.z * run.B + b; // of the sums over spans and batch rows
  let chunks = (run.T + CHUNK - 1) / CHUNK;
  let kept = run.KEPT_AT + (part * groups.x + group.x) * (CHUNK / BLOCK) * 2 * EACH * LANES + lane;
  let a = pair_exponents(place.i, place.part * EACH);
  var carried = first_gradients(place, part, group.z + 1 == groups.z);
  var shares: array<vec4f, 2>; // of dskip and of the bias
  let first = group.z * run.SPAN / CHUNK;
  for (var chunk = min(first + run.SPAN / CHUNK, chunks); chunk > first; chunk--) {
    let t0 = (chunk - 1) * CHUNK;
    let row0 = b * run.T + t0;
    let length = min(CHUNK, run.T - t0);
    var h = saved_states(place, (b * (chunks + 1) + chunk - 1) * I * N);
    for (var done = 0u; done < length; done += BLOCK) {
      stage(place, row0 + done, min(BLOCK, length - done), false);
      workgroupBarrier();
      for (var j = 0u; j < EACH; j++) {
        for (var c = 0u; c < 2; c++) {
          work[kept + (done / BLOCK * 2 * EACH + 2 * j + c) * LANES] = h[j][c];
        }
      }
      for (var t = 0u; t < BLOCK; t++) {
        h = advance(place, t, a, h);
      }
      workgroupBarrier();
    }
    for (var left = (length + BLOCK - 1) / BLOCK; left > 0; left--) {
      let done = (left - 1) * BLOCK;
      let positions = min(BLOCK, length - done);
      stage(place, row0 + done, positions, true);
      workgroupBarrier();
      var before: array<array<vec2f, EACH>, BLOCK / 2>; // the states before every second position
      for (var j = 0u; j < EACH; j++) {
        for (var c = 0u; c < 2; c++) {
          before[0][j][c] = work[kept + ((left - 1) * 2 * EACH + 2 * j + c) * LANES];
        }
      }
      for (var p = 1u; p < BLOCK / 2; p++) {
        before[p] = advance(place, 2 * p - 1, a, advance(place, 2 * p - 2, a, before[p - 1]));
      }
      for (var s = 0u; s < BLOCK; s++) {
        let t = BLOCK - 1 - s;
        var h_before = before[t / 2];
        if (t % 2 == 1) {
          h_before = advance(place, t - 1, a, h_before);
        }
        carried = step_back(place, t, a, h_before, carried);
        workgroupBarrier();
        add_up(lane, group.x, row0 + done + t, t, t < positions);
        workgroupBarrier();
      }
      let added = write_channels(place, row0 + done, positions);
      shares[0] += added[0];
      shares[1] += added[1];
    }
  }
  for (var j = 0u; j < EACH; j++) {
    carried.da[j] *= LN_2 * a[j];
  }
  write_pair(run.DA_AT + part * I * N, place.i, place.part * EACH, carried.da);
  if (group.z == 0) {
    write_pair(run.DH0_AT + b * I * N, place.i, place.part * EACH, carried.g);
  }
  write_shares(place, shares, part);
}
