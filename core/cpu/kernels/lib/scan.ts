/**
 * What both passes of the selective scan share. Vectors hold four channels; N is padded to P, a multiple of 4, so that four states
 * at a time stay in registers while a chunk of positions goes by. A padded state has B = C = 0 and stays zero.
 */
import { exp, exp2Negative } from "./activations";
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

/** h[t] = 2^(dt·a) · h[t−1] + du·B[t], y[t] += C[t]·h[t] for all states of four channels over `count` positions; h [P] is updated. */
export function advance(dt: usize, du: usize, bc: usize, a: usize, h: usize, y: usize, count: i32, P: i32): void {
  for (let n = 0; n < P; n += 4) {
    const a0 = v128.load(a + vectors(n)), a1 = v128.load(a + vectors(n), 16);
    const a2 = v128.load(a + vectors(n), 32), a3 = v128.load(a + vectors(n), 48);
    let h0 = v128.load(h + vectors(n)), h1 = v128.load(h + vectors(n), 16);
    let h2 = v128.load(h + vectors(n), 32), h3 = v128.load(h + vectors(n), 48);
    let B = bc + bytes(n);
    for (let t = 0; t < count; t++, B += bytes(2 * P)) {
      const step = v128.load(dt + vectors(t)), input = v128.load(du + vectors(t)), C = B + bytes(P);
      h0 = madd(exp2Negative(f32x4.mul(step, a0)), h0, f32x4.mul(input, v128.load32_splat(B)));
      h1 = madd(exp2Negative(f32x4.mul(step, a1)), h1, f32x4.mul(input, v128.load32_splat(B, 4)));
      h2 = madd(exp2Negative(f32x4.mul(step, a2)), h2, f32x4.mul(input, v128.load32_splat(B, 8)));
      h3 = madd(exp2Negative(f32x4.mul(step, a3)), h3, f32x4.mul(input, v128.load32_splat(B, 12)));
      let sum = madd(v128.load32_splat(C), h0, v128.load(y + vectors(t)));
      sum = madd(v128.load32_splat(C, 4), h1, sum);
      sum = madd(v128.load32_splat(C, 8), h2, sum);
      v128.store(y + vectors(t), madd(v128.load32_splat(C, 12), h3, sum));
    }
    v128.store(h + vectors(n), h0);
    v128.store(h + vectors(n), h1, 16);
    v128.store(h + vectors(n), h2, 32);
    v128.store(h + vectors(n), h3, 48);
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
  const row = vectors(P);
  for (let n = 0; n < P; n += 2) {
    const a0 = v128.load(a + vectors(n)), a1 = v128.load(a + vectors(n), 16);
    let kept = h + vectors(n), decay = decays + vectors(n), B = bc + bytes(n);
    let h0 = v128.load(kept), h1 = v128.load(kept, 16);
    for (let t = 0; t < count; t++, B += bytes(2 * P), decay += row) {
      const step = v128.load(dt + vectors(t)), input = v128.load(du + vectors(t)), C = B + bytes(P);
      const e0 = exp2Negative(f32x4.mul(step, a0)), e1 = exp2Negative(f32x4.mul(step, a1));
      v128.store(decay, e0);
      v128.store(decay, e1, 16);
      h0 = madd(e0, h0, f32x4.mul(input, v128.load32_splat(B)));
      h1 = madd(e1, h1, f32x4.mul(input, v128.load32_splat(B, 4)));
      kept += row;
      v128.store(kept, h0);
      v128.store(kept, h1, 16);
      const sum = madd(v128.load32_splat(C), h0, v128.load(y + vectors(t)));
      v128.store(y + vectors(t), madd(v128.load32_splat(C, 4), h1, sum));
    }
  }
}

/** The next `count` ≤ 4 channels of a vector that may be absent: zero then. */
@inline
export function loadOptional(from: usize, i: i32, left: i32): v128 {
  return from ? load4(from + bytes(i), left) : f32x4.splat(0);
}
