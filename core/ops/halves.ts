/** Between f32 and pairs of 16-bit floats in one word. */
import { EXPONENT_BITS, type HalfFormat, type Step, Storage, type Tensor, tensorOver, wordsOf } from "../tensor/mod.ts";

/** Words for the rows of x, which may be a slice. Shapes: x [R, C]; returns [R, ⌈C / 2⌉]. */
export function packedLike(x: Tensor, { name, format }: { name: string; format: HalfFormat }): Tensor {
  const W = wordsOf(x.columns), storage = new Storage(`${name} in ${format}`, x.rows * W, "u32");
  return { ...tensorOver(storage, [x.rows, W]), packed: { format, columns: x.columns } };
}

const attributesOf = ({ rows: R, packed }: Tensor) => ({
  R,
  C: packed!.columns,
  exponentBits: EXPONENT_BITS[packed!.format],
});

/** words = x, each number rounded to nearest (ties to even). NaN and infinities stay; what is too large for f16 becomes infinite. */
export const packHalves = (x: Tensor, words: Tensor): Step => ({
  op: "pack_halves",
  attributes: attributesOf(words),
  reads: { x },
  writes: { words: { ...words, packed: undefined } },
  accumulate: [],
  flops: 0,
});

/** x = words, exactly. */
export const unpackHalves = (words: Tensor, x: Tensor): Step => ({
  op: "unpack_halves",
  attributes: attributesOf(words),
  reads: { words: { ...words, packed: undefined } },
  writes: { x },
  accumulate: [],
  flops: 0,
});
