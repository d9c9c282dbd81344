/**
 * Exponentials and what is made of them, four lanes at a time. Relative errors against float64, found by search over the range
 * that the tests walk: exp2 and exp 2e-7, sigmoid and silu 4e-7, softplus 4e-7 (also where it is as small as 1e-37).
 * Polynomials are minimax fits of this project (Remez exchange in float64).
 */
import { madd, nmadd } from "./vector";

/** 1.5 · 2^23: adding it rounds to an integer that then stands in the low bits. */
const ROUNDER: f32 = 12582912.0;

/** 2^f · 2^n for |f| ≤ ½ and n in the low bits of `shifted`. */
@inline
function scaled(f: v128, shifted: v128): v128 {
  let p = madd(f, f32x4.splat(1.5345812e-4), f32x4.splat(1.3399931e-3));
  p = madd(f, p, f32x4.splat(9.618489e-3));
  p = madd(f, p, f32x4.splat(5.5503288e-2));
  p = madd(f, p, f32x4.splat(2.4022647e-1));
  p = madd(f, p, f32x4.splat(6.931472e-1));
  p = madd(f, p, f32x4.splat(1.0));
  return i32x4.add(p, i32x4.shl(shifted, 23));
}

/** 2^x. Below −126 it stays at 2^−126, above 126 at 2^126. */
@inline
export function exp2(x: v128): v128 {
  const inRange = f32x4.min(f32x4.max(x, f32x4.splat(-126)), f32x4.splat(126));
  const shifted = f32x4.add(inRange, f32x4.splat(ROUNDER));
  return scaled(f32x4.sub(inRange, f32x4.sub(shifted, f32x4.splat(ROUNDER))), shifted);
}

/** 2^x for x ≤ 0: the scan's decay and the softmax, with one bound less. */
@inline
export function exp2Negative(x: v128): v128 {
  const inRange = f32x4.max(x, f32x4.splat(-126));
  const shifted = f32x4.add(inRange, f32x4.splat(ROUNDER));
  return scaled(f32x4.sub(inRange, f32x4.sub(shifted, f32x4.splat(ROUNDER))), shifted);
}

/** e^x, within [e^−87.3, e^87.3]. The part of log2(e) that f32 drops is taken into account, so large arguments keep their digits. */
@inline
export function exp(x: v128): v128 {
  const inRange = f32x4.min(f32x4.max(x, f32x4.splat(-87.336)), f32x4.splat(87.336));
  const shifted = madd(inRange, f32x4.splat(1.4426950), f32x4.splat(ROUNDER));
  const n = f32x4.sub(shifted, f32x4.splat(ROUNDER));
  // ln 2 in two parts: the first has 15 bits, so n times it is exact.
  let r = nmadd(n, f32x4.splat(0.693145751953125), inRange);
  r = nmadd(n, f32x4.splat(1.4286068e-6), r);
  return scaled(f32x4.mul(r, f32x4.splat(1.4426950)), shifted);
}

/** 1 / (1 + e^−x). */
@inline
export function sigmoid(x: v128): v128 {
  return f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), exp(f32x4.neg(x))));
}

/** log(1 + e^x) = max(x, 0) + 2 artanh(e / (2 + e)) with e = e^−|x|, which keeps its digits where e is tiny. */
@inline
export function softplus(x: v128): v128 {
  const e = exp(f32x4.neg(f32x4.abs(x)));
  const s = f32x4.div(e, f32x4.add(f32x4.splat(2), e)), q = f32x4.mul(s, s);
  let p = madd(q, f32x4.splat(0.28178335), f32x4.splat(0.27960603));
  p = madd(q, p, f32x4.splat(0.4002491));
  p = madd(q, p, f32x4.splat(0.66666315));
  p = madd(q, p, f32x4.splat(2.0));
  return madd(s, p, f32x4.max(x, f32x4.splat(0)));
}

/** d silu / dx = σ(x) · (1 + x · (1 − σ(x))), given σ(x). */
@inline
export function siluSlope(x: v128, s: v128): v128 {
  return f32x4.mul(s, madd(x, f32x4.sub(f32x4.splat(1), s), f32x4.splat(1)));
}
