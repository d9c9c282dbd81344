/**
 * Backward of the selective scan. It goes through the chunks from the last to the first, and recomputes each from its saved state.
 * Then it computes g[t] = dy[t]·C[t] + exp(dt[t+1]·A)·g[t+1] from the last position to the first. One block takes one sequence and
 * CHANNELS channels. Later launches add its partial sums over channels (dB, dC) and over sequences (dA, dskip, dbias).
 */
import { sigmoid, siluSlope, softplus } from "./lib/activations";
import { loadStored } from "./lib/half_floats";
import { advanceKept, CHANNELS, DDT, DT, DU, DY, GB, lane0, lane1, lane2, lane3 } from "./lib/scan";
import { loadBc, loadDecays, loadOptional, loadStates, records, SLOPE, storeStates, vectors, Y } from "./lib/scan";
import { bytes, clear, copy, load4, madd, store4, sumEach } from "./lib/vector";

const LN2: f32 = 0.6931471805599453;

@unmanaged
class ScanBackward {
  dy: usize;
  /** `udt` and `z` may be words of 16-bit floats: see `halvesUdt`, `halvesZ`. */
  udt: usize;
  bc: usize;
  z: usize;
  aLog: usize;
  skip: usize;
  dtBias: usize;
  states: usize;
  dudt: usize;
  /** [blocks a sequence, B·T, 2, N]. */
  partialBc: usize;
  dz: usize;
  /** [B, I, N]. */
  partialA: usize;
  /** [B, I] or 0. */
  partialSkip: usize;
  partialBias: usize;
  /** [B, I, N] or 0. */
  dh0: usize;
  strideDy: i32;
  strideUdt: i32;
  strideBc: i32;
  strideZ: i32;
  strideDudt: i32;
  strideDz: i32;
  B: i32;
  T: i32;
  I: i32;
  N: i32;
  chunk: i32;
  softplus: i32;
  /** Exponent bits of the 16-bit floats; 0 for f32. */
  halvesUdt: i32;
  halvesZ: i32;
}

/** The workspace of one block: first what outlives a chunk, then what belongs to four channels in one chunk. */
@unmanaged
class Places {
  /** B and C [chunk, 2, P], and their gradients, summed over channels. */
  bc: usize;
  dbc: usize;
  /** [CHANNELS, P]: decay exponents, the running g, the sum of dA. */
  a: usize;
  g: usize;
  dA: usize;
  /** [CHANNELS]. */
  dskip: usize;
  dbias: usize;
  /** [1 + 2 · chunk, P] vectors: the states before, then decays and states of each position. */
  kept: usize;
  /** [chunk] records. */
  own: usize;
}

function layOut(at: usize, chunk: i32, P: i32): Places {
  const places = changetype<Places>(at);
  places.bc = at + 128;
  places.dbc = places.bc + bytes(2 * P * chunk);
  places.a = places.dbc + bytes(2 * P * chunk);
  places.g = places.a + bytes(CHANNELS * P);
  places.dA = places.g + bytes(CHANNELS * P);
  places.dskip = places.dA + bytes(CHANNELS * P);
  places.dbias = places.dskip + bytes(CHANNELS);
  places.kept = places.dbias + bytes(CHANNELS);
  places.own = places.kept + vectors((2 * chunk + 1) * P);
  return places;
}

/** Step sizes, their derivatives by the raw value, inputs and skip of four channels. */
function prepare(args: ScanBackward, p: Places, row: i32, i: i32, count: i32): void {
  const left = args.I - i, bias = loadOptional(args.dtBias, i, left), skip = loadOptional(args.skip, i, left);
  for (let t = 0; t < count; t++) {
    const at = args.udt + bytes((row + t) * args.strideUdt), u = loadStored(at, i, left, args.halvesUdt);
    const raw = f32x4.add(loadStored(at, args.I + i, left, args.halvesUdt), bias), step = args.softplus ? softplus(raw) : raw;
    const record = p.own + records(t);
    v128.store(record, step, DT);
    v128.store(record, args.softplus ? sigmoid(raw) : f32x4.splat(1), SLOPE);
    v128.store(record, f32x4.mul(step, u), DU);
    v128.store(record, f32x4.mul(skip, u), Y);
    v128.store(record, f32x4.splat(0), GB);
    v128.store(record, f32x4.splat(0), DDT);
  }
}

/** dz, and the gradient of the output before the gate. */
function ungate(args: ScanBackward, p: Places, row: i32, i: i32, count: i32): void {
  const left = args.I - i;
  for (let t = 0; t < count; t++) {
    const dy = load4(args.dy + bytes((row + t) * args.strideDy + i), left), record = p.own + records(t);
    if (!args.z) {
      v128.store(record, dy, DY);
      continue;
    }
    const z = loadStored(args.z + bytes((row + t) * args.strideZ), i, left, args.halvesZ), s = sigmoid(z);
    v128.store(record, f32x4.mul(dy, f32x4.mul(z, s)), DY);
    if (!args.dz) continue;
    const dz = f32x4.mul(f32x4.mul(dy, v128.load(record, Y)), siluSlope(z, s));
    store4(args.dz + bytes((row + t) * args.strideDz + i), dz, left);
  }
}

/** Takes four states of four channels backwards through a chunk. */
function retreat(p: Places, a: usize, g: usize, dA: usize, n: i32, count: i32, P: i32): void {
  const a0 = v128.load(a + vectors(n)), a1 = v128.load(a + vectors(n), 16);
  const a2 = v128.load(a + vectors(n), 32), a3 = v128.load(a + vectors(n), 48);
  let g0 = v128.load(g + vectors(n)), g1 = v128.load(g + vectors(n), 16);
  let g2 = v128.load(g + vectors(n), 32), g3 = v128.load(g + vectors(n), 48);
  let d0 = v128.load(dA + vectors(n)), d1 = v128.load(dA + vectors(n), 16);
  let d2 = v128.load(dA + vectors(n), 32), d3 = v128.load(dA + vectors(n), 48);
  const row = vectors(P), toC = bytes(P), toGradient = p.dbc - p.bc, first = p.own;
  let B = p.bc + bytes((count - 1) * 2 * P + n), after = p.kept + vectors(count * 2 * P + n);
  for (let own = first + records(count - 1); own >= first; own -= records(1), B -= bytes(2 * P)) {
    const dU = v128.load(own, DY), dt = v128.load(own, DT), du = v128.load(own, DU);
    const dC = sumEach(
      f32x4.mul(dU, v128.load(after)),
      f32x4.mul(dU, v128.load(after, 16)),
      f32x4.mul(dU, v128.load(after, 32)),
      f32x4.mul(dU, v128.load(after, 48)),
    );
    const b = v128.load(B), c = v128.load(B + toC), to = B + toGradient;
    g0 = madd(dU, lane0(c), g0), g1 = madd(dU, lane1(c), g1), g2 = madd(dU, lane2(c), g2), g3 = madd(dU, lane3(c), g3);
    const dB = sumEach(f32x4.mul(g0, du), f32x4.mul(g1, du), f32x4.mul(g2, du), f32x4.mul(g3, du));
    v128.store(to, f32x4.add(v128.load(to), dB));
    v128.store(to + toC, f32x4.add(v128.load(to + toC), dC));
    const gB = madd(g2, lane2(b), madd(g1, lane1(b), madd(g0, lane0(b), v128.load(own, GB))));
    v128.store(own, madd(g3, lane3(b), gB), GB);
    const decay = after - row, before = decay - row;
    g0 = f32x4.mul(g0, v128.load(decay)), g1 = f32x4.mul(g1, v128.load(decay, 16));
    g2 = f32x4.mul(g2, v128.load(decay, 32)), g3 = f32x4.mul(g3, v128.load(decay, 48));
    const c0 = f32x4.mul(g0, v128.load(before)), c1 = f32x4.mul(g1, v128.load(before, 16));
    const c2 = f32x4.mul(g2, v128.load(before, 32)), c3 = f32x4.mul(g3, v128.load(before, 48));
    d0 = madd(dt, c0, d0), d1 = madd(dt, c1, d1), d2 = madd(dt, c2, d2), d3 = madd(dt, c3, d3);
    v128.store(own, madd(a2, c2, madd(a3, c3, madd(a0, c0, madd(a1, c1, v128.load(own, DDT))))), DDT);
    after = before;
  }
  v128.store(g + vectors(n), g0), v128.store(g + vectors(n), g1, 16);
  v128.store(g + vectors(n), g2, 32), v128.store(g + vectors(n), g3, 48);
  v128.store(dA + vectors(n), d0), v128.store(dA + vectors(n), d1, 16);
  v128.store(dA + vectors(n), d2, 32), v128.store(dA + vectors(n), d3, 48);
}

/** du, d raw dt, and the sums for skip and bias. */
function finish(args: ScanBackward, p: Places, row: i32, i: i32, count: i32, own: usize): void {
  const left = args.I - i, skip = loadOptional(args.skip, i, left);
  let dskip = v128.load(p.dskip + own), dbias = v128.load(p.dbias + own);
  for (let t = 0; t < count; t++) {
    const u = loadStored(args.udt + bytes((row + t) * args.strideUdt), i, left, args.halvesUdt), record = p.own + records(t);
    const to = args.dudt + bytes((row + t) * args.strideDudt + i);
    const dU = v128.load(record, DY), gB = v128.load(record, GB);
    const dDt = madd(u, gB, f32x4.mul(v128.load(record, DDT), f32x4.splat(LN2)));
    const dRaw = f32x4.mul(dDt, v128.load(record, SLOPE));
    store4(to, madd(v128.load(record, DT), gB, f32x4.mul(skip, dU)), left);
    store4(to + bytes(args.I), dRaw, left);
    dskip = madd(dU, u, dskip);
    dbias = f32x4.add(dbias, dRaw);
  }
  v128.store(p.dskip + own, dskip);
  v128.store(p.dbias + own, dbias);
}

/** Writes the results of the block when all chunks are done. */
function storeSums(args: ScanBackward, p: Places, b: i32, i: i32, first: i32): void {
  const I = args.I, N = args.N, P = (N + 3) & ~3, left = I - i, at = bytes((i - first) * P), own = bytes(i - first);
  for (let n = 0; n < P; n++) {
    const to = p.dA + at + vectors(n), scale = f32x4.mul(v128.load(p.a + at + vectors(n)), f32x4.splat(LN2));
    v128.store(to, f32x4.mul(v128.load(to), scale));
  }
  storeStates(p.dA + at, left, N, args.partialA + bytes((b * I + i) * N));
  if (args.dh0) storeStates(p.g + at, left, N, args.dh0 + bytes((b * I + i) * N));
  if (args.partialSkip) store4(args.partialSkip + bytes(b * I + i), v128.load(p.dskip + own), left);
  if (args.partialBias) store4(args.partialBias + bytes(b * I + i), v128.load(p.dbias + own), left);
}

/** Workspace: see `layOut`. */
export function selective_scan_backward(args: ScanBackward, block: i32, workspace: usize): void {
  const T = args.T, I = args.I, N = args.N, P = (N + 3) & ~3, chunk = args.chunk;
  const across = (I + CHANNELS - 1) / CHANNELS, b = block / across, chunks = (T + chunk - 1) / chunk;
  const group = block % across, first = group * CHANNELS, end = min(I, first + CHANNELS);
  const p = layOut(workspace, chunk, P);
  clear(p.g, 2 * CHANNELS * P + 2 * CHANNELS);
  for (let i = first; i < end; i += 4) {
    loadDecays(args.aLog + bytes(i * N), I - i, N, P, p.a + bytes((i - first) * P));
  }
  for (let c = chunks - 1; c >= 0; c--) {
    const t = c * chunk, count = min(chunk, T - t), row = b * T + t;
    loadBc(args.bc + bytes(row * args.strideBc), args.strideBc, count, N, P, p.bc);
    clear(p.dbc, count * 2 * P);
    for (let i = first; i < end; i += 4) {
      const at = bytes((i - first) * P);
      loadStates(args.states + bytes(((b * (chunks + 1) + c) * I + i) * N), I - i, N, P, p.kept);
      prepare(args, p, row, i, count);
      advanceKept(p.own, p.bc, p.a + at, p.kept, count, P);
      ungate(args, p, row, i, count);
      for (let n = 0; n < P; n += 4) retreat(p, p.a + at, p.g + at, p.dA + at, n, count, P);
      finish(args, p, row, i, count, bytes(i - first));
    }
    for (let s = 0; s < count; s++) {
      const to = args.partialBc + bytes(((group * args.B + b) * T + t + s) * 2 * N), from = p.dbc + bytes(s * 2 * P);
      copy(to, from, N);
      copy(to + bytes(N), from + bytes(P), N);
    }
  }
  for (let i = first; i < end; i += 4) storeSums(args, p, b, i, first);
}
