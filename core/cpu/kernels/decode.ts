/** One position of the embedding, the causal convolution and the selective scan; states are changed in place. */
import { exp, exp2Negative, sigmoid, softplus } from "./lib/activations";
import { loadOptional } from "./lib/scan";
import { bytes, copy, load4, madd, store4, sum4 } from "./lib/vector";

@unmanaged
class EmbedStep {
  /** [B] u32. */
  token: usize;
  /** [B] u32. */
  position: usize;
  table: usize;
  /** [M, D] or 0. */
  meta: usize;
  x: usize;
  strideX: i32;
  V: i32;
  D: i32;
  M: i32;
}

/** One block takes one sequence. */
export function embed_step(args: EmbedStep, b: i32, _workspace: usize): void {
  const position = load<i32>(args.position + bytes(b)), D = args.D, to = args.x + bytes(b * args.strideX);
  if (position < args.M) {
    copy(to, args.meta + bytes(position * D), D);
    return;
  }
  const id = load<u32>(args.token + bytes(b));
  if (id >= <u32> args.V) unreachable();
  copy(to, args.table + bytes(<i32> id * D), D);
}

@unmanaged
class ConvStep {
  x: usize;
  w: usize;
  /** [I] or 0. */
  bias: usize;
  /** [B, J − 1, I], oldest first. */
  state: usize;
  y: usize;
  strideX: i32;
  strideY: i32;
  I: i32;
  J: i32;
}

/** Tap j of the next channels, at most four. */
@inline
function tapsAt(taps: usize, j: i32, J: i32, left: i32): v128 {
  let four = v128.load32_zero(taps + bytes(j));
  if (left > 1) four = f32x4.replace_lane(four, 1, load<f32>(taps + bytes(J + j)));
  if (left > 2) four = f32x4.replace_lane(four, 2, load<f32>(taps + bytes(2 * J + j)));
  if (left > 3) four = f32x4.replace_lane(four, 3, load<f32>(taps + bytes(3 * J + j)));
  return four;
}

/** One block takes one sequence. Workspace: I. */
export function conv_step(args: ConvStep, b: i32, workspace: usize): void {
  const I = args.I, J = args.J, state = args.state + bytes(b * (J - 1) * I), x = args.x + bytes(b * args.strideX);
  for (let i = 0; i < I; i += 4) {
    const left = I - i, taps = args.w + bytes(i * J);
    let sum = loadOptional(args.bias, i, left);
    for (let j = 0; j < J - 1; j++) sum = f32x4.add(sum, f32x4.mul(tapsAt(taps, j, J, left), load4(state + bytes(j * I + i), left)));
    store4(workspace + bytes(i), f32x4.add(sum, f32x4.mul(tapsAt(taps, J - 1, J, left), load4(x + bytes(i), left))), left);
  }
  if (J > 1) {
    copy(state, state + bytes(I), (J - 2) * I);
    copy(state + bytes((J - 2) * I), x, I);
  }
  const y = args.y + bytes(b * args.strideY);
  for (let i = 0; i < I; i += 4) {
    const left = I - i, pre = load4(workspace + bytes(i), left);
    store4(y + bytes(i), f32x4.mul(pre, sigmoid(pre)), left);
  }
}

@unmanaged
class ScanStep {
  /** [B, 2, I]: u, raw dt. */
  udt: usize;
  /** [B, 2, N]: B, C. */
  bc: usize;
  z: usize;
  aLog: usize;
  skip: usize;
  dtBias: usize;
  /** [B, I, N]. */
  state: usize;
  y: usize;
  strideUdt: i32;
  strideBc: i32;
  strideZ: i32;
  strideY: i32;
  I: i32;
  N: i32;
  softplus: i32;
  /** Channels of one block, a multiple of 4. */
  channels: i32;
}

const LOG2E: f32 = 1.4426950408889634;

/** Updates the state of one channel and returns C · h. */
function nextState(args: ScanStep, b: i32, i: i32, dt: f32, du: f32): f32 {
  const N = args.N, state = args.state + bytes((b * args.I + i) * N), aLog = args.aLog + bytes(i * N);
  const B = args.bc + bytes(b * args.strideBc),
    C = B + bytes(N),
    step = f32x4.splat(-LOG2E * dt),
    input = f32x4.splat(du);
  let sum = f32x4.splat(0);
  for (let n = 0; n < N; n += 4) {
    const at = bytes(n), left = N - n, decay = exp2Negative(f32x4.mul(step, exp(load4(aLog + at, left))));
    const h = madd(decay, load4(state + at, left), f32x4.mul(input, load4(B + at, left)));
    store4(state + at, h, left);
    sum = madd(load4(C + at, left), h, sum);
  }
  return sum4(sum);
}

/** One block takes `channels` channels of one sequence. Workspace: 12. */
export function scan_step(args: ScanStep, block: i32, workspace: usize): void {
  const I = args.I, across = (I + args.channels - 1) / args.channels, b = block / across;
  const first = (block % across) * args.channels, end = min(I, first + args.channels);
  for (let i = first; i < end; i += 4) {
    const left = I - i, at = args.udt + bytes(b * args.strideUdt + i), u = load4(at, left);
    const raw = f32x4.add(load4(at + bytes(I), left), loadOptional(args.dtBias, i, left));
    const dt = args.softplus ? softplus(raw) : raw;
    v128.store(workspace, dt);
    v128.store(workspace, f32x4.mul(dt, u), 16);
    v128.store(workspace, f32x4.mul(u, loadOptional(args.skip, i, left)), 32);
    for (let lane = 0; lane < min(4, left); lane++) {
      const own = workspace + bytes(lane), y = nextState(args, b, i + lane, load<f32>(own), load<f32>(own, 16));
      store<f32>(own, load<f32>(own, 32) + y, 32);
    }
    let y = v128.load(workspace, 32);
    if (args.z) {
      const z = load4(args.z + bytes(b * args.strideZ + i), left);
      y = f32x4.mul(y, f32x4.mul(z, sigmoid(z)));
    }
    store4(args.y + bytes(b * args.strideY + i), y, left);
  }
}
