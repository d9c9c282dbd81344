/**
 * What both passes of the selective scan share. Vectors hold four channels; N is padded to P, a multiple of 4, so that four states
 * at a time stay in registers while a chunk of positions goes by. A padded state has B = C = 0 and stays zero.
 */
import { exp, exp2Constant, exp2With } from "./activations";
import { bytes, clear, copy, load4, madd } from "./vector";

/** Channels of one block. */
export const CHANNELS: i32 = 32;

const LOG2E: f32 = 1.4426950408889634;

/** Bytes of n vectors. */
@inline
export function vectors(n: i32): usize {
  return <usize> n << 4;
}

/** −exp(aLog) · log2(e) of four channels as [P] vectors: the exponent of 2 per unit of dt. */
export function loadDecays(aLog: usize, left: i32, N: i32, P: i32, to: usize): void {
  for (let n = 0; n < P; n++) {
    for (let lane = 0; lane < 4; lane++) {
      store<f32>(to + bytes(4 * n + lane), lane < left && n < N ? load<f32>(aLog + bytes(lane * N + n)) : 0);
    }
    v128.store(to + vectors(n), f32x4.mul(exp(v128.load(to + vectors(n))), f32x4.splat(-LOG2E)));
  }
}

/** States of four channels, [4, N] in memory, as [P] vectors; zero when there is no memory to load from. */
export function loadStates(from: usize, left: i32, N: i32, P: i32, to: usize): void {
  clear(to, 4 * P);
  if (!from) return;
  for (let lane = 0; lane < min(4, left); lane++) {
    for (let n = 0; n < N; n++) store<f32>(to + bytes(4 * n + lane), load<f32>(from + bytes(lane * N + n)));
  }
}

export function storeStates(from: usize, left: i32, N: i32, to: usize): void {
  for (let lane = 0; lane < min(4, left); lane++) {
    for (let n = 0; n < N; n++) store<f32>(to + bytes(lane * N + n), load<f32>(from + bytes(4 * n + lane)));
  }
}

/** B and C of `count` positions as [count, 2, P]. */
export function loadBc(bc: usize, stride: i32, count: i32, N: i32, P: i32, to: usize): void {
  clear(to, count * 2 * P);
  for (let t = 0; t < count; t++) {
    copy(to + bytes(t * 2 * P), bc + bytes(t * stride), N);
    copy(to + bytes((t * 2 + 1) * P), bc + bytes(t * stride + N), N);
  }
}

/**
 * h[t] = 2^(dt·a) · h[t−1] + du·B[t], y[t] += C[t]·h[t] for all states of four channels over `count` positions; h [P] is updated.
 * One state at a time: its value and all constants of the exponential stay in registers, and positions overlap in the processor.
 */
export function advance(dt: usize, du: usize, bc: usize, a: usize, h: usize, y: usize, count: i32, P: i32): void {
  const c6 = exp2Constant(0), c5 = exp2Constant(1), c4 = exp2Constant(2), c3 = exp2Constant(3), c2 = exp2Constant(4);
  const c1 = exp2Constant(5), c0 = exp2Constant(6), magic = exp2Constant(7), lowest = exp2Constant(8);
  const row = bytes(2 * P), toC = bytes(P);
  for (let n = 0; n < P; n++) {
    const exponent = v128.load(a + vectors(n));
    let state = v128.load(h + vectors(n)), B = bc + bytes(n);
    for (let at: usize = 0; at < vectors(count); at += 16) {
      const decay = exp2With(f32x4.mul(v128.load(dt + at), exponent), c6, c5, c4, c3, c2, c1, c0, magic, lowest);
      state = madd(decay, state, f32x4.mul(v128.load(du + at), v128.load32_splat(B)));
      v128.store(y + at, madd(v128.load32_splat(B + toC), state, v128.load(y + at)));
      B += row;
    }
    v128.store(h + vectors(n), state);
  }
}

/** As `advance`, but keeps every decay [count, P] and every state [count + 1, P], of which entry 0 is given. */
export function advanceKept(
  dt: usize,
  du: usize,
  bc: usize,
  a: usize,
  decays: usize,
  h: usize,
  y: usize,
  count: i32,
  P: i32,
): void {
  const c6 = exp2Constant(0), c5 = exp2Constant(1), c4 = exp2Constant(2), c3 = exp2Constant(3), c2 = exp2Constant(4);
  const c1 = exp2Constant(5), c0 = exp2Constant(6), magic = exp2Constant(7), lowest = exp2Constant(8);
  const row = bytes(2 * P), toC = bytes(P);
  for (let n = 0; n < P; n++) {
    const exponent = v128.load(a + vectors(n));
    let kept = h + vectors(n), gone = decays + vectors(n), state = v128.load(kept), B = bc + bytes(n);
    for (let at: usize = 0; at < vectors(count); at += 16) {
      const decay = exp2With(f32x4.mul(v128.load(dt + at), exponent), c6, c5, c4, c3, c2, c1, c0, magic, lowest);
      v128.store(gone, decay);
      state = madd(decay, state, f32x4.mul(v128.load(du + at), v128.load32_splat(B)));
      kept += vectors(P), gone += vectors(P);
      v128.store(kept, state);
      v128.store(y + at, madd(v128.load32_splat(B + toC), state, v128.load(y + at)));
      B += row;
    }
  }
}

/** The next `count` ≤ 4 channels of a vector that may be absent: zero then. */
@inline
export function loadOptional(from: usize, i: i32, left: i32): v128 {
  return from ? load4(from + bytes(i), left) : f32x4.splat(0);
}
