import packCode from "../../../wgsl/pack_halves.wgsl" with { type: "text" };
import unpackCode from "../../../wgsl/unpack_halves.wgsl" with { type: "text" };
import halves from "../../../wgsl/lib/halves.wgsl" with { type: "text" };
import { EXPONENT_BITS, type Step, type Tensor } from "../../tensor/mod.ts";
import { unpackHalves as unpack } from "../../ops/halves.ts";
import { type Kernel, kernel, type Launch, linearGrid, type LowerContext, type Lowering, placeOf } from "../launch.ts";

const PACK = kernel("pack_halves", halves, packCode);
const UNPACK = kernel("unpack_halves", halves, unpackCode);

/** The format of a tensor of words, for a kernel with lib/halves. */
export const formatOf = ({ packed }: Tensor): Record<string, number> =>
  packed ? { EXPONENT_BITS: EXPONENT_BITS[packed.format] } : {};

/** The same tensors, unpacked into scratch memory where some of them are f32 and some are words. */
export function alike(
  given: readonly (Tensor | undefined)[],
  { scratch }: LowerContext,
): { launches: Launch[]; tensors: (Tensor | undefined)[] } {
  const launches: Launch[] = [], present = given.filter((x) => x !== undefined);
  if (present.every(({ packed }) => packed) || !present.some(({ packed }) => packed)) {
    return { launches, tensors: [...given] };
  }
  const tensors = given.map((x) => {
    if (!x?.packed) return x;
    const plain = scratch(`${x.name} in f32`, [x.rows, x.packed.columns]);
    const { attributes, reads } = unpack(x, plain);
    launches.push(...between(UNPACK, attributes, { x: plain, words: x, reads: reads.words!, writes: plain }));
    return plain;
  });
  return { launches, tensors };
}

const between = (
  kernel: Kernel,
  { R, C, exponentBits }: Step["attributes"],
  { x, words, reads, writes }: { x: Tensor; words: Tensor; reads: Tensor; writes: Tensor },
) => [{
  kernel,
  constants: { R: R!, C: C!, EXPONENT_BITS: exponentBits!, ...placeOf("X", x), ...placeOf("WORDS", words) },
  reads: [reads],
  writes: [writes],
  grid: linearGrid(Math.ceil(R! * Math.ceil(C! / 2) / 64)),
}];

export const packHalves: Lowering = ({ attributes, reads: { x }, writes: { words } }) =>
  between(PACK, attributes, { x: x!, words: words!, reads: x!, writes: words! });

export const unpackHalves: Lowering = ({ attributes, reads: { words }, writes: { x } }) =>
  between(UNPACK, attributes, { x: x!, words: words!, reads: words!, writes: x! });
