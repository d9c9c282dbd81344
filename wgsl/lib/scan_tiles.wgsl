// Shared by the scan's kernels for GPUs (selective_scan_forward, _ends, _backward): rows of inputs in vec4s of channels, B and C in workgroup memory,
// and states in memory. A vec4f holds four neighbouring channels; 16 of them are the 64 channels of a workgroup. ACROSS invocations share these
// channels: with 16 each holds the states of four, with 32 (the backward pass) of two. PARTS invocations have the same channels; each holds the
// entries part·EACH to part·EACH + EACH − 1 of N. With 16, invocation `lane` holds the states of the channels lane / PARTS. All load and store inputs
// and outputs of the four channels lane % 16.

override I: u32;
override N: u32;
override SOFTPLUS: bool;
override PARTS: u32; // ⌈N / EACH⌉
override LANES: u32 = ACROSS * PARTS;
override N_QUADS: u32 = (PARTS * EACH + 3) / 4;

const LOG2_E = 1.4426950408889634;
const LN_2 = 0.6931471805599453;

var<workgroup> bc_tile: array<vec4f, BLOCK * 2 * N_QUADS>; // [t][B or C][n / 4], zero from N on

/// Column `column` of the coefficients of four channels. Channels beyond the last repeat it and are never written.
fn coefficient4(i: u32, column: u32) -> vec4f {
  let at = min(i + vec4u(0, 1, 2, 3), vec4u(I - 1)) * (N + 2) + column;
  return vec4f(work[at.x], work[at.y], work[at.z], work[at.w]);
}

/// A · log2(e) of four channels and EACH entries, for exp2; zero from N on.
fn exponents(i: u32, n: u32) -> array<vec4f, EACH> {
  var all: array<vec4f, EACH>;
  for (var j = 0u; j < EACH; j++) {
    all[j] = select(vec4f(), LOG2_E * coefficient4(i, min(n + j, N - 1)), n + j < N);
  }
  return all;
}

/// u (half 0) or the raw step size (half 1) of four channels.
fn raw4(row: u32, i: u32, half: u32) -> vec4f {
  return stored4(&udtBT2I, run.UDT_OFFSET + row * run.UDT_STRIDE, half * I, i);
}

/// The step size of four channels.
fn step4(row: u32, i: u32, bias: vec4f) -> vec4f {
  let raw = raw4(row, i, 1) + bias;
  if (SOFTPLUS) {
    return softplus4(raw);
  }
  return raw;
}

/// B and C of a block whose first position is `row0`, with all invocations of the workgroup; zero from the `positions`-th position on.
fn stage_bc(lane: u32, row0: u32, positions: u32) {
  for (var k = lane; k < BLOCK * 2 * N_QUADS; k += LANES) {
    let t = k / (2 * N_QUADS);
    let n = k % N_QUADS * 4 + vec4u(0, 1, 2, 3);
    let at = run.BC_OFFSET + (row0 + min(t, positions - 1)) * run.BC_STRIDE + k / N_QUADS % 2 * N + min(n, vec4u(N - 1));
    let there = n < vec4u(select(0, N, t < positions));
    bc_tile[k] = select(vec4f(), vec4f(bcBT2N[at.x], bcBT2N[at.y], bcBT2N[at.z], bcBT2N[at.w]), there);
  }
}

/// The index of channel i + c and entry n + j in [I, N], which begins at `at`. Channels and entries beyond the last repeat it.
fn entry_place(at: u32, i: u32, n: u32, c: u32, j: u32) -> u32 {
  return at + min(i + c, I - 1) * N + min(n + j, N - 1);
}

/// Writes four channels and EACH entries of [I, N], as far as they exist.
fn write_entries(rows: ptr<storage, array<f32>, read_write>, at: u32, i: u32, n: u32, values: array<vec4f, EACH>) {
  var copy = values;
  for (var j = 0u; j < EACH; j++) {
    for (var c = 0u; c < 4; c++) {
      if (i + c < I && n + j < N) {
        rows[entry_place(at, i, n, c, j)] = copy[j][c];
      }
    }
  }
}
