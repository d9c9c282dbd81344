import type { AttributesNamed } from "../../ops/registry.ts";
import { EXPONENT_BITS, type Tensor } from "../../tensor/mod.ts";
import { type Launch, type Lowering, rowsPerBlock, stridesOf } from "../launch.ts";

/** The exponent bits of a tensor of words, or 0 for f32: an argument of kernels that read both. */
export const halvesOf = (x: Tensor | undefined): number => x?.packed ? EXPONENT_BITS[x.packed.format] : 0;

const conversion = (
  kernel: string,
  { R, C, exponentBits }: AttributesNamed<"pack_halves">,
  { x, words }: { x: Tensor; words: Tensor },
): Launch[] => {
  const rows = rowsPerBlock(C), strides = stridesOf({ x, words });
  return [{ kernel, args: { x, words, ...strides, R, C, rows, exponentBits }, blocks: Math.ceil(R / rows) }];
};

export const packHalves: Lowering<"pack_halves"> = ({ attributes, reads: { x }, writes: { words } }) =>
  conversion("pack_halves", attributes, { x, words });

export const unpackHalves: Lowering<"unpack_halves"> = ({ attributes, reads: { words }, writes: { x } }) =>
  conversion("unpack_halves", attributes, { x, words });
