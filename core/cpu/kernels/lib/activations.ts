/**
 * Exponentials and functions of them, four lanes at a time. tests/cpu/activations_test.ts states and checks the relative errors.
 * Polynomials are minimax fits of this project (Remez exchange in float64).
 */
import { madd, nmadd } from "./vector";

/**
 * Constants of inner loops. They are loaded from memory at each use. The engine rebuilds a v128 constant at every use, even inside
 * loops, with several instructions, where a load takes one.
 */
const TABLE: usize = memory.data<f32>([
  1.5345812e-4,
  1.3399931e-3,
  9.618489e-3,
  5.5503288e-2,
  2.4022647e-1,
  6.931472e-1,
  1.0,
  12582912.0,
  -126.0,
  126.0,
  -87.336,
  87.336,
  1.4426950,
  0.693145751953125,
  1.4286068e-6,
  2.0,
  0.28178335,
  0.27960603,
  0.4002491,
  0.66666315,
], 16);

@inline
function polynomial(power: i32): v128 {
  return v128.load32_splat(TABLE + (<usize> (6 - power) << 2));
}

@inline
function one(): v128 {
  return v128.load32_splat(TABLE + 24);
}

@inline
function two(): v128 {
  return v128.load32_splat(TABLE + 60);
}

/** 1.5 · 2^23: adding it rounds to an integer, which is then in the low bits. */
@inline
function rounder(): v128 {
  return v128.load32_splat(TABLE + 28);
}

@inline
function log2e(): v128 {
  return v128.load32_splat(TABLE + 48);
}

/** 2^f · 2^n for |f| ≤ ½ and n in the low bits of `shifted`. */
@inline
function scaled(f: v128, shifted: v128): v128 {
  let p = madd(f, polynomial(6), polynomial(5));
  p = madd(f, p, polynomial(4));
  p = madd(f, p, polynomial(3));
  p = madd(f, p, polynomial(2));
  p = madd(f, p, polynomial(1));
  p = madd(f, p, polynomial(0));
  return i32x4.add(p, i32x4.shl(shifted, 23));
}

/** 2^x, clamped to 2^−126 below x = −126 and to 2^126 above x = 126. */
@inline
export function exp2(x: v128): v128 {
  return exp2Negative(f32x4.pmin(x, v128.load32_splat(TABLE + 36)));
}

/** 2^x for x ≤ 126, for the decays of the scan and for softmax: it checks only the lower bound. */
@inline
export function exp2Negative(x: v128): v128 {
  const inRange = f32x4.pmax(x, v128.load32_splat(TABLE + 32)), magic = rounder();
  const shifted = f32x4.add(inRange, magic);
  return scaled(f32x4.sub(inRange, f32x4.sub(shifted, magic)), shifted);
}

/** Entries of the table that `exp2With` takes, for loops that keep them in registers. */
@inline
export function exp2Constant(at: i32): v128 {
  return v128.load32_splat(TABLE + (<usize> at << 2));
}

/** `exp2Negative` with its constants given: `c6` … `c0` are entries 0 … 6 of the table, `magic` 7, `lowest` 8. */
@inline
export function exp2With(
  x: v128,
  c6: v128,
  c5: v128,
  c4: v128,
  c3: v128,
  c2: v128,
  c1: v128,
  c0: v128,
  magic: v128,
  lowest: v128,
): v128 {
  const inRange = f32x4.pmax(x, lowest), shifted = f32x4.add(inRange, magic);
  const f = f32x4.sub(inRange, f32x4.sub(shifted, magic));
  const p = madd(f, madd(f, madd(f, madd(f, madd(f, madd(f, c6, c5), c4), c3), c2), c1), c0);
  return i32x4.add(p, i32x4.shl(shifted, 23));
}

/** e^x, within [e^−87.3, e^87.3]. It includes the part of log2(e) that f32 drops, so large arguments keep their digits. */
@inline
export function exp(x: v128): v128 {
  const inRange = f32x4.pmin(f32x4.pmax(x, v128.load32_splat(TABLE + 40)), v128.load32_splat(TABLE + 44));
  const shifted = madd(inRange, log2e(), rounder());
  const n = f32x4.sub(shifted, rounder());
  // ln 2 in two parts: the first has 15 bits, so n times it is exact.
  let r = nmadd(n, v128.load32_splat(TABLE + 52), inRange);
  r = nmadd(n, v128.load32_splat(TABLE + 56), r);
  return scaled(f32x4.mul(r, log2e()), shifted);
}

/** 1 / (1 + e^−x). */
@inline
export function sigmoid(x: v128): v128 {
  return f32x4.div(one(), f32x4.add(one(), exp(f32x4.neg(x))));
}

/** log(1 + e^x) = max(x, 0) + 2 artanh(e / (2 + e)) with e = e^−|x|, which keeps its digits when e is tiny. */
@inline
export function softplus(x: v128): v128 {
  const e = exp(f32x4.neg(f32x4.abs(x)));
  const s = f32x4.div(e, f32x4.add(two(), e)), q = f32x4.mul(s, s);
  let p = madd(q, v128.load32_splat(TABLE + 64), v128.load32_splat(TABLE + 68));
  p = madd(q, p, v128.load32_splat(TABLE + 72));
  p = madd(q, p, v128.load32_splat(TABLE + 76));
  p = madd(q, p, two());
  return madd(s, p, f32x4.pmax(x, f32x4.splat(0)));
}

/** d silu / dx = σ(x) · (1 + x · (1 − σ(x))), given σ(x). */
@inline
export function siluSlope(x: v128, s: v128): v128 {
  return f32x4.mul(s, madd(x, f32x4.sub(one(), s), one()));
}
