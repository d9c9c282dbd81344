/** The causal convolution over a chunk of positions, behind the last J − 1 inputs of each sequence. Like causal_conv.ts otherwise. */
import { CHANNELS, filter, loadColumn, loadTaps, padded, vectors } from "./causal_conv";
import { sigmoid } from "./lib/activations";
import { bytes, load4, store4 } from "./lib/vector";

@unmanaged
class ConvChunk {
  x: usize;
  w: usize;
  /** [I] or 0. */
  bias: usize;
  /** [B] u32. */
  count: usize;
  /** [B, J − 1, I], oldest first. */
  state: usize;
  y: usize;
  strideX: i32;
  strideY: i32;
  T: i32;
  I: i32;
  J: i32;
}

/** One block takes one sequence and CHANNELS channels. Workspace, in vectors: P taps, x and pre [J − 1 + T] each. */
export function conv_chunk(args: ConvChunk, block: i32, workspace: usize): void {
  const I = args.I, T = args.T, kept = args.J - 1, P = padded(args.J), across = (I + CHANNELS - 1) / CHANNELS;
  const b = block / across, first = (block % across) * CHANNELS, end = min(I, first + CHANNELS);
  const x = workspace + vectors(P), pre = x + vectors(kept + T), count = load<i32>(args.count + bytes(b));
  for (let i = first; i < end; i += 4) {
    const left = I - i, state = args.state + bytes(b * kept * I + i);
    loadTaps(args.w + bytes(i * args.J), left, args.J, workspace);
    loadColumn(state, I, left, kept, x);
    loadColumn(args.x + bytes(b * T * args.strideX + i), args.strideX, left, T, x + vectors(kept));
    filter(x, workspace, args.bias ? load4(args.bias + bytes(i), left) : f32x4.splat(0), kept + T, P, pre);
    let y = args.y + bytes(b * T * args.strideY + i);
    for (let t = 0; t < T; t++, y += bytes(args.strideY)) {
      const sum = v128.load(pre + vectors(kept + t));
      store4(y, f32x4.mul(sum, sigmoid(sum)), left);
    }
    for (let j = 0; j < kept; j++) store4(state + bytes(j * I), v128.load(x + vectors(count + j)), left);
  }
}
