/**
 * Code shared by both passes of the selective scan. A vector holds four channels. N is padded to P, a multiple of 4, so that four
 * states at a time stay in registers over a chunk of positions. A padded state has B = C = 0 and stays zero.
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

/**
 * Both passes keep one record of vectors per position of four channels, with these byte offsets: dt, dt · u, the output before the
 * gate. For the backward pass also the gradient of that output, d dt / d raw, Σ_n g·B, and the gradient of dt by the decays over ln 2.
 */
export const DT: usize = 0;
export const DU: usize = 16;
export const Y: usize = 32;
export const DY: usize = 48;
export const SLOPE: usize = 64;
export const GB: usize = 80;
export const DDT: usize = 96;

/** Bytes of n records. */
@inline
export function records(n: i32): usize {
  return <usize> n << 7;
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

/** States of four channels, [4, N] in memory, as [P] vectors; zero when the pointer is 0. */
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

/** One lane of x in all lanes. */
@inline
export function lane0(x: v128): v128 {
  return i8x16.shuffle(x, x, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3);
}

@inline
export function lane1(x: v128): v128 {
  return i8x16.shuffle(x, x, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7);
}

@inline
export function lane2(x: v128): v128 {
  return i8x16.shuffle(x, x, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11);
}

@inline
export function lane3(x: v128): v128 {
  return i8x16.shuffle(x, x, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15);
}

/**
 * h[t] = 2^(dt·a) · h[t−1] + du·B[t], y[t] += C[t]·h[t] for all states of four channels over `count` positions; h [P] is updated.
 * Four states at a time stay in registers and share the loads of a record, B and C, because each load has a bounds check.
 */
export function advance(own: usize, bc: usize, a: usize, h: usize, count: i32, P: i32): void {
  const c6 = exp2Constant(0), c5 = exp2Constant(1), c4 = exp2Constant(2), c3 = exp2Constant(3), c2 = exp2Constant(4);
  const c1 = exp2Constant(5), c0 = exp2Constant(6), magic = exp2Constant(7), lowest = exp2Constant(8);
  const row = bytes(2 * P), toC = bytes(P), end = own + records(count);
  for (let n = 0; n < P; n += 4) {
    const from = a + vectors(n), state = h + vectors(n);
    const a0 = v128.load(from), a1 = v128.load(from, 16), a2 = v128.load(from, 32), a3 = v128.load(from, 48);
    let h0 = v128.load(state), h1 = v128.load(state, 16), h2 = v128.load(state, 32), h3 = v128.load(state, 48);
    let B = bc + bytes(n);
    for (let at = own; at < end; at += records(1), B += row) {
      const step = v128.load(at, DT), input = v128.load(at, DU), b = v128.load(B), c = v128.load(B + toC);
      const d0 = exp2With(f32x4.mul(step, a0), c6, c5, c4, c3, c2, c1, c0, magic, lowest);
      h0 = madd(d0, h0, f32x4.mul(input, lane0(b)));
      let out = madd(lane0(c), h0, v128.load(at, Y));
      const d1 = exp2With(f32x4.mul(step, a1), c6, c5, c4, c3, c2, c1, c0, magic, lowest);
      h1 = madd(d1, h1, f32x4.mul(input, lane1(b)));
      out = madd(lane1(c), h1, out);
      const d2 = exp2With(f32x4.mul(step, a2), c6, c5, c4, c3, c2, c1, c0, magic, lowest);
      h2 = madd(d2, h2, f32x4.mul(input, lane2(b)));
      out = madd(lane2(c), h2, out);
      const d3 = exp2With(f32x4.mul(step, a3), c6, c5, c4, c3, c2, c1, c0, magic, lowest);
      h3 = madd(d3, h3, f32x4.mul(input, lane3(b)));
      v128.store(at, madd(lane3(c), h3, out), Y);
    }
    v128.store(state, h0), v128.store(state, h1, 16), v128.store(state, h2, 32), v128.store(state, h3, 48);
  }
}

/** Like `advance`, but stores every decay and every state: `kept` is [P] states before, then [count, 2, P] decays and states after. */
export function advanceKept(own: usize, bc: usize, a: usize, kept: usize, count: i32, P: i32): void {
  const c6 = exp2Constant(0), c5 = exp2Constant(1), c4 = exp2Constant(2), c3 = exp2Constant(3), c2 = exp2Constant(4);
  const c1 = exp2Constant(5), c0 = exp2Constant(6), magic = exp2Constant(7), lowest = exp2Constant(8);
  const row = bytes(2 * P), toC = bytes(P), toState = vectors(P), end = own + records(count);
  for (let n = 0; n < P; n += 4) {
    const from = a + vectors(n);
    const a0 = v128.load(from), a1 = v128.load(from, 16), a2 = v128.load(from, 32), a3 = v128.load(from, 48);
    let gone = kept + vectors(n), B = bc + bytes(n);
    let h0 = v128.load(gone), h1 = v128.load(gone, 16), h2 = v128.load(gone, 32), h3 = v128.load(gone, 48);
    gone += toState;
    for (let at = own; at < end; at += records(1), B += row) {
      const step = v128.load(at, DT), input = v128.load(at, DU), b = v128.load(B), c = v128.load(B + toC);
      const after = gone + toState;
      const d0 = exp2With(f32x4.mul(step, a0), c6, c5, c4, c3, c2, c1, c0, magic, lowest);
      h0 = madd(d0, h0, f32x4.mul(input, lane0(b)));
      let out = madd(lane0(c), h0, v128.load(at, Y));
      v128.store(gone, d0), v128.store(after, h0);
      const d1 = exp2With(f32x4.mul(step, a1), c6, c5, c4, c3, c2, c1, c0, magic, lowest);
      h1 = madd(d1, h1, f32x4.mul(input, lane1(b)));
      out = madd(lane1(c), h1, out);
      v128.store(gone, d1, 16), v128.store(after, h1, 16);
      const d2 = exp2With(f32x4.mul(step, a2), c6, c5, c4, c3, c2, c1, c0, magic, lowest);
      h2 = madd(d2, h2, f32x4.mul(input, lane2(b)));
      out = madd(lane2(c), h2, out);
      v128.store(gone, d2, 32), v128.store(after, h2, 32);
      const d3 = exp2With(f32x4.mul(step, a3), c6, c5, c4, c3, c2, c1, c0, magic, lowest);
      h3 = madd(d3, h3, f32x4.mul(input, lane3(b)));
      v128.store(gone, d3, 48), v128.store(after, h3, 48);
      v128.store(at, madd(lane3(c), h3, out), Y);
      gone = after + toState;
    }
  }
}

/** The next `count` ≤ 4 channels of a vector; zero if there is no vector. */
@inline
export function loadOptional(from: usize, i: i32, left: i32): v128 {
  return from ? load4(from + bytes(i), left) : f32x4.splat(0);
}
