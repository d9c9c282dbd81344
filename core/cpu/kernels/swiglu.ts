/** y = silu(gate) · up, rows of gu hold gate, then up. One block takes `rows` rows. */
import { sigmoid, siluSlope } from "./lib/activations";
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

export function swiglu_forward(args: SwigluForward, block: i32, _workspace: usize): void {
  const F = args.F, end = min(args.R, (block + 1) * args.rows);
  for (let row = block * args.rows; row < end; row++) {
    const gate = args.gu + bytes(row * args.strideGu), up = gate + bytes(F), y = args.y + bytes(row * args.strideY);
    for (let f = 0; f < F; f += 4) {
      const at = bytes(f), left = F - f, g = load4(gate + at, left);
      store4(y + at, f32x4.mul(f32x4.mul(g, sigmoid(g)), load4(up + at, left)), left);
    }
  }
}

@unmanaged
class SwigluBackward {
  dy: usize;
  gu: usize;
  /** [R, 2F]. */
  dgu: usize;
  strideDy: i32;
  strideGu: i32;
  strideDgu: i32;
  R: i32;
  F: i32;
  rows: i32;
}

export function swiglu_backward(args: SwigluBackward, block: i32, _workspace: usize): void {
  const F = args.F, end = min(args.R, (block + 1) * args.rows);
  for (let row = block * args.rows; row < end; row++) {
    const gate = args.gu + bytes(row * args.strideGu), up = gate + bytes(F);
    const dgate = args.dgu + bytes(row * args.strideDgu), dup = dgate + bytes(F);
    const dy = args.dy + bytes(row * args.strideDy);
    for (let f = 0; f < F; f += 4) {
      const at = bytes(f), left = F - f;
      const g = load4(gate + at, left), s = sigmoid(g), d = load4(dy + at, left);
      store4(dgate + at, f32x4.mul(f32x4.mul(d, load4(up + at, left)), siluSlope(g, s)), left);
      store4(dup + at, f32x4.mul(d, f32x4.mul(g, s)), left);
    }
  }
}
