import packFoursCode from "../../../wgsl/pack_halves_vec4.wgsl" with { type: "text" };
import packCode from "../../../wgsl/pack_halves.wgsl" with { type: "text" };
import unpackFoursCode from "../../../wgsl/unpack_halves_vec4.wgsl" with { type: "text" };
import unpackCode from "../../../wgsl/unpack_halves.wgsl" with { type: "text" };
import halvesFours from "../../../wgsl/lib/halves_vec4.wgsl" with { type: "text" };
import halves from "../../../wgsl/lib/halves.wgsl" with { type: "text" };
import type { AttributesNamed } from "../../ops/registry.ts";
import { EXPONENT_BITS, type Tensor } from "../../tensor/mod.ts";
import { halfAttributes } from "../../ops/halves.ts";
import { kernel, type Launch, linearGrid, type LowerContext, type Lowering, placesOf } from "../launch.ts";

/** The kernels by the number of columns that an invocation takes. */
const PACK = {
  2: kernel("pack_halves", halves, packCode),
  4: kernel("pack_halves_vec4", halvesFours, packFoursCode),
};
const UNPACK = {
  2: kernel("unpack_halves", halves, unpackCode),
  4: kernel("unpack_halves_vec4", halvesFours, unpackFoursCode),
};

/** The format of a tensor of words, for a kernel with lib/halves. */
export const formatOf = ({ packed }: Tensor): Record<string, number> =>
  packed ? { EXPONENT_BITS: EXPONENT_BITS[packed.format] } : {};

/** `udt` and `z` in the same form: if only one of them is packed, it is unpacked into scratch memory. */
export function inSameForm(
  { udt, z }: { udt: Tensor; z: Tensor | undefined },
  { scratch }: LowerContext,
): { launches: Launch[]; udt: Tensor; z: Tensor | undefined } {
  if (!z || Boolean(udt.packed) === Boolean(z.packed)) return { launches: [], udt, z };
  const words = udt.packed ? udt : z, plain = scratch(`${words.name} in f32`, [words.rows, words.packed?.columns ?? 0]);
  const launches = conversion(UNPACK, halfAttributes(words), {
    x: plain,
    words,
    reads: { ...words, packed: undefined },
    writes: plain,
  });
  return udt.packed ? { launches, udt: plain, z } : { launches, udt, z: plain };
}

/** Whether rows begin at multiples of four columns and of two words, and have a multiple of four columns. */
const inFours = (x: Tensor, words: Tensor, C: number): boolean =>
  [C, x.offset, x.rowStride].every((count) => count % 4 === 0) &&
  [words.offset, words.rowStride].every((count) => count % 2 === 0);

const conversion = (
  kernels: typeof PACK,
  { R, C, exponentBits }: AttributesNamed<"pack_halves">,
  { x, words, reads, writes }: { x: Tensor; words: Tensor; reads: Tensor; writes: Tensor },
) => {
  const columns = inFours(x, words, C) ? 4 : 2;
  return [{
    kernel: kernels[columns],
    constants: { R, C, EXPONENT_BITS: exponentBits, ...placesOf({ X: x, WORDS: words }) },
    reads: [reads],
    writes: [writes],
    grid: linearGrid(Math.ceil(R * Math.ceil(C / columns) / 64)),
  }];
};

export const packHalves: Lowering<"pack_halves"> = ({ attributes, reads: { x }, writes: { words } }) =>
  conversion(PACK, attributes, { x, words, reads: x, writes: words });

export const unpackHalves: Lowering<"unpack_halves"> = ({ attributes, reads: { words }, writes: { x } }) =>
  conversion(UNPACK, attributes, { x, words, reads: words, writes: x });
