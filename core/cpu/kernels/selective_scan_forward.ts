/**
 * dt = softplus(raw + dtBias); h[t] = exp(dt·A) ∘ h[t−1] + dt·u[t]·B[t]; y[t] = (C[t]·h[t] + skip·u[t]) · silu(z[t]).
 * One block takes one sequence and CHANNELS channels, chunk by chunk, and saves the state before each chunk.
 */
import { sigmoid, softplus } from "./lib/activations";
import { advance, CHANNELS, DT, DU, loadBc, loadDecays, loadOptional, loadStates, records, storeStates, Y } from "./lib/scan";
import { bytes, clear, load4, store4 } from "./lib/vector";

@unmanaged
class ScanForward {
  /** [B·T, 2, I]: u, raw dt. */
  udt: usize;
  /** [B·T, 2, N]: B, C. */
  bc: usize;
  /** [B·T, I] or 0. */
  z: usize;
  aLog: usize;
  skip: usize;
  dtBias: usize;
  /** [B, I, N] or 0. */
  h0: usize;
  /** [B] u32 or 0: positions of each sequence that count; y is 0 behind them. Without it all T do. */
  count: usize;
  y: usize;
  /** [B, chunks + 1, I, N] or 0. */
  states: usize;
  /** [B, I, N] or 0: the state after the last position; may be h0. */
  last: usize;
  strideUdt: i32;
  strideBc: i32;
  strideZ: i32;
  strideY: i32;
  T: i32;
  I: i32;
  N: i32;
  chunk: i32;
  softplus: i32;
}

/** Four channels over one chunk. The kernel below lays out the workspace. */
function scanChunk(args: ScanForward, row: i32, i: i32, count: i32, a: usize, h: usize, bc: usize, own: usize): void {
  const left = args.I - i, P = (args.N + 3) & ~3;
  const bias = loadOptional(args.dtBias, i, left), skip = loadOptional(args.skip, i, left);
  for (let t = 0; t < count; t++) {
    const at = args.udt + bytes((row + t) * args.strideUdt + i), u = load4(at, left);
    const raw = f32x4.add(load4(at + bytes(args.I), left), bias), step = args.softplus ? softplus(raw) : raw;
    const record = own + records(t);
    v128.store(record, step, DT);
    v128.store(record, f32x4.mul(step, u), DU);
    v128.store(record, f32x4.mul(skip, u), Y);
  }
  advance(own, bc, a, h, count, P);
  for (let t = 0; t < count; t++) {
    let out = v128.load(own + records(t), Y);
    if (args.z) {
      const z = load4(args.z + bytes((row + t) * args.strideZ + i), left);
      out = f32x4.mul(out, f32x4.mul(z, sigmoid(z)));
    }
    store4(args.y + bytes((row + t) * args.strideY + i), out, left);
  }
}

/** Workspace, with P = N rounded up to 4: B and C (2 P chunk), decays and states (2 · CHANNELS · P), one record per position. */
export function selective_scan_forward(args: ScanForward, block: i32, workspace: usize): void {
  const T = args.T, I = args.I, N = args.N, P = (N + 3) & ~3, chunk = args.chunk;
  const across = (I + CHANNELS - 1) / CHANNELS, b = block / across;
  const ends = args.count ? min(T, load<i32>(args.count + bytes(b))) : T, chunks = (ends + chunk - 1) / chunk;
  const first = (block % across) * CHANNELS, end = min(I, first + CHANNELS);
  const bc = workspace, decays = bc + bytes(2 * P * chunk), states = decays + bytes(CHANNELS * P);
  const own = states + bytes(CHANNELS * P);
  for (let i = first; i < end; i += 4) {
    const at = bytes((i - first) * P);
    loadDecays(args.aLog + bytes(i * N), I - i, N, P, decays + at);
    loadStates(args.h0 ? args.h0 + bytes((b * I + i) * N) : 0, I - i, N, P, states + at);
  }
  for (let c = 0; c <= chunks; c++) {
    const t = c * chunk, count = min(chunk, ends - t), row = b * T + t;
    if (c < chunks) loadBc(args.bc + bytes(row * args.strideBc), args.strideBc, count, N, P, bc);
    for (let i = first; i < end; i += 4) {
      const at = bytes((i - first) * P);
      if (args.states) storeStates(states + at, I - i, N, args.states + bytes(((b * (chunks + 1) + c) * I + i) * N));
      if (c < chunks) scanChunk(args, row, i, count, decays + at, states + at, bc, own);
      else if (args.last) storeStates(states + at, I - i, N, args.last + bytes((b * I + i) * N));
    }
  }
  for (let t = ends; t < T; t++) clear(args.y + bytes((b * T + t) * args.strideY + first), end - first);
}
