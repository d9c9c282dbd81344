/** Between rows of f32 and rows of words that hold two 16-bit floats each. One block takes `rows` rows. */
import { BF16_EXPONENT, bf16Of, f16Of, join, widenHigh, widenLow } from "./lib/half_floats";
import { bytes, load4, store4 } from "./lib/vector";

@unmanaged
class Halves {
  /** [R, C]. */
  x: usize;
  /** [R, ⌈C / 2⌉]. */
  words: usize;
  strideX: i32;
  strideWords: i32;
  R: i32;
  C: i32;
  rows: i32;
  exponentBits: i32;
}

@inline
function halfOf(bits: v128, exponentBits: i32): v128 {
  return exponentBits == BF16_EXPONENT ? bf16Of(bits) : f16Of(bits);
}

export function pack_halves(args: Halves, block: i32, _workspace: usize): void {
  const C = args.C, E = args.exponentBits, end = min(args.R, (block + 1) * args.rows);
  for (let row = block * args.rows; row < end; row++) {
    const x = args.x + bytes(row * args.strideX), words = args.words + bytes(row * args.strideWords);
    for (let c = 0; c < C; c += 8) {
      const left = C - c, from = x + bytes(c);
      const low = halfOf(load4(from, left), E);
      const high = left > 4 ? halfOf(load4(from + 16, left - 4), E) : i32x4.splat(0);
      store4(words + bytes(c >> 1), join(low, high), (left + 1) >> 1);
    }
  }
}

export function unpack_halves(args: Halves, block: i32, _workspace: usize): void {
  const C = args.C, E = args.exponentBits, end = min(args.R, (block + 1) * args.rows);
  for (let row = block * args.rows; row < end; row++) {
    const x = args.x + bytes(row * args.strideX), words = args.words + bytes(row * args.strideWords);
    for (let c = 0; c < C; c += 8) {
      const left = C - c, to = x + bytes(c), eight = load4(words + bytes(c >> 1), (left + 1) >> 1);
      store4(to, widenLow(eight, E), left);
      if (left > 4) store4(to + 16, widenHigh(eight, E), left - 4);
    }
  }
}
