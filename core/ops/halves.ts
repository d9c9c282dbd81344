/** Packs f32 numbers into words of two 16-bit floats, and unpacks them. */
import { HymbaError } from "../errors.ts";
import {
  defineOp,
  EXPONENT_BITS,
  type HalfFormat,
  type Step,
  stepOf,
  Storage,
  type Tensor,
  tensorOver,
  wordsOf,
} from "../tensor/mod.ts";

/** Words for the rows of x, which may be a slice. Shapes: x [R, C]; returns [R, ⌈C / 2⌉]. */
export function packedLike(x: Tensor, { name, format }: { name: string; format: HalfFormat }): Tensor {
  const W = wordsOf(x.columns), storage = new Storage(`${name} in ${format}`, x.rows * W, "u32");
  return { ...tensorOver(storage, [x.rows, W]), packed: { format, columns: x.columns } };
}

export const packHalvesOp = defineOp({
  name: "pack_halves",
  phase: "any",
  attributes: ["R", "C", "W", "exponentBits"],
  reads: { x: "R C" },
  writes: { words: "R W" },
  flops: () => 0,
  packs: true,
});

export const unpackHalvesOp = defineOp({
  name: "unpack_halves",
  phase: "any",
  attributes: ["R", "C", "W", "exponentBits"],
  reads: { words: "R W" },
  writes: { x: "R C" },
  flops: () => 0,
});

/** The attributes of the ops that pack or unpack a tensor of words. */
export function halfAttributes({ name, rows: R, columns: W, packed }: Tensor) {
  if (!packed) throw new HymbaError(`${name} does not hold words of 16-bit floats`);
  return { R, C: packed.columns, W, exponentBits: EXPONENT_BITS[packed.format] };
}

/** words = x, rounded to nearest (ties to even). NaN and infinities stay. A number too large for f16 becomes infinite. */
export const packHalves = (x: Tensor, words: Tensor): Step =>
  stepOf(packHalvesOp, {
    attributes: halfAttributes(words),
    reads: { x },
    writes: { words: { ...words, packed: undefined } },
  });

/** x = words, exactly. */
export const unpackHalves = (words: Tensor, x: Tensor): Step =>
  stepOf(unpackHalvesOp, {
    attributes: halfAttributes(words),
    reads: { words: { ...words, packed: undefined } },
    writes: { x },
  });
