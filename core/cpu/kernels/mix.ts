/** y = a + m, or with a gate y = s · a + (1 − s) · m with s = sigmoid(g), over rows of I. One block takes `rows` rows. */
import { sigmoid } from "./lib/activations";
import { bytes, load4, madd, store4, sum4 } from "./lib/vector";

@unmanaged
class MixForward {
  a: usize;
  m: usize;
  /** The gate, or 0. */
  g: usize;
  y: usize;
  strideA: i32;
  strideM: i32;
  strideY: i32;
  R: i32;
  I: i32;
  rows: i32;
}

export function mix_forward(args: MixForward, block: i32, _workspace: usize): void {
  const I = args.I, end = min(args.R, (block + 1) * args.rows);
  let ofA = f32x4.splat(1), ofM = ofA;
  if (args.g != 0) {
    const gate = f32x4.splat(load<f32>(args.g));
    ofA = sigmoid(gate);
    ofM = sigmoid(f32x4.neg(gate));
  }
  for (let row = block * args.rows; row < end; row++) {
    const a = args.a + bytes(row * args.strideA), m = args.m + bytes(row * args.strideM);
    const y = args.y + bytes(row * args.strideY);
    for (let i = 0; i < I; i += 4) {
      const at = bytes(i), left = I - i;
      store4(y + at, madd(ofA, load4(a + at, left), f32x4.mul(ofM, load4(m + at, left))), left);
    }
  }
}

@unmanaged
class MixBackward {
  dy: usize;
  a: usize;
  m: usize;
  g: usize;
  da: usize;
  dm: usize;
  /** Partial sums of dg, one per block. */
  partial: usize;
  strideDy: i32;
  strideA: i32;
  strideM: i32;
  strideDa: i32;
  strideDm: i32;
  R: i32;
  I: i32;
  rows: i32;
}

export function mix_backward(args: MixBackward, block: i32, _workspace: usize): void {
  const I = args.I, end = min(args.R, (block + 1) * args.rows), gate = f32x4.splat(load<f32>(args.g));
  const ofA = sigmoid(gate), ofM = sigmoid(f32x4.neg(gate));
  let dots = f32x4.splat(0);
  for (let row = block * args.rows; row < end; row++) {
    const dy = args.dy + bytes(row * args.strideDy);
    const a = args.a + bytes(row * args.strideA), m = args.m + bytes(row * args.strideM);
    const da = args.da + bytes(row * args.strideDa), dm = args.dm + bytes(row * args.strideDm);
    for (let i = 0; i < I; i += 4) {
      const at = bytes(i), left = I - i, d = load4(dy + at, left);
      dots = madd(d, f32x4.sub(load4(a + at, left), load4(m + at, left)), dots);
      store4(da + at, f32x4.mul(ofA, d), left);
      store4(dm + at, f32x4.mul(ofM, d), left);
    }
  }
  const slope = f32x4.extract_lane(ofA, 0) * f32x4.extract_lane(ofM, 0);
  store<f32>(args.partial + bytes(block), slope * sum4(dots));
}
