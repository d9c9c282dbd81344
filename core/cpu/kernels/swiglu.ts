/** y = silu(gate) · up. Rows of gu hold gate, then up. One block takes `rows` rows. */
import { sigmoid, siluSlope } from "./lib/activations";
import { loadStored } from "./lib/half_floats";
import { bytes, load4, store4 } from "./lib/vector";

@unmanaged
class SwigluForward {
  /** [R, 2F]. */
  gu: usize;
  /** [R, F]. */
  y: usize;
  strideGu: i32;
  strideY: i32;
  R: i32;
  F: i32;
  rows: i32;
}

@inline
function gated(gate: v128, up: v128): v128 {
  return f32x4.mul(f32x4.mul(gate, sigmoid(gate)), up);
}

export function swiglu_forward(args: SwigluForward, block: i32, _workspace: usize): void {
  const F = args.F, end = min(args.R, (block + 1) * args.rows);
  for (let row = block * args.rows; row < end; row++) {
    const gate = args.gu + bytes(row * args.strideGu), up = gate + bytes(F), y = args.y + bytes(row * args.strideY);
    const whole = bytes(F & ~3);
    for (let at: usize = 0; at < whole; at += 16) {
      v128.store(y + at, gated(v128.load(gate + at), v128.load(up + at)));
    }
    const left = F & 3;
    if (left) store4(y + whole, gated(load4(gate + whole, left), load4(up + whole, left)), left);
  }
}

@unmanaged
class SwigluBackward {
  dy: usize;
  /** Words of 16-bit floats if `halvesGu` is not 0; it is their number of exponent bits. */
  gu: usize;
  /** [R, 2F]. */
  dgu: usize;
  strideDy: i32;
  strideGu: i32;
  strideDgu: i32;
  R: i32;
  F: i32;
  rows: i32;
  halvesGu: i32;
}

/** One row whose gate and up are 16-bit floats in words. */
function backwardOfWords(dy: usize, gu: usize, dgate: usize, F: i32, exponentBits: i32): void {
  const dup = dgate + bytes(F);
  for (let f = 0; f < F; f += 4) {
    const at = bytes(f), left = F - f;
    const g = loadStored(gu, f, left, exponentBits), s = sigmoid(g), d = load4(dy + at, left);
    store4(dgate + at, f32x4.mul(f32x4.mul(d, loadStored(gu, F + f, left, exponentBits)), siluSlope(g, s)), left);
    store4(dup + at, f32x4.mul(d, f32x4.mul(g, s)), left);
  }
}

export function swiglu_backward(args: SwigluBackward, block: i32, _workspace: usize): void {
  const F = args.F, end = min(args.R, (block + 1) * args.rows);
  for (let row = block * args.rows; row < end; row++) {
    const gate = args.gu + bytes(row * args.strideGu), up = gate + bytes(F);
    const dgate = args.dgu + bytes(row * args.strideDgu), dup = dgate + bytes(F);
    const dy = args.dy + bytes(row * args.strideDy);
    if (args.halvesGu) {
      backwardOfWords(dy, gate, dgate, F, args.halvesGu);
      continue;
    }
    const whole = bytes(F & ~3);
    for (let at: usize = 0; at < whole; at += 16) {
      const g = v128.load(gate + at), s = sigmoid(g), d = v128.load(dy + at);
      v128.store(dgate + at, f32x4.mul(f32x4.mul(d, v128.load(up + at)), siluSlope(g, s)));
      v128.store(dup + at, f32x4.mul(d, f32x4.mul(g, s)));
    }
    const left = F & 3;
    if (!left) continue;
    const g = load4(gate + whole, left), s = sigmoid(g), d = load4(dy + whole, left);
    store4(dgate + whole, f32x4.mul(f32x4.mul(d, load4(up + whole, left)), siluSlope(g, s)), left);
    store4(dup + whole, f32x4.mul(d, f32x4.mul(g, s)), left);
  }
}
