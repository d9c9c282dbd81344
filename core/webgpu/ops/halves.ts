import packFoursCode from "../../../wgsl/pack_halves_vec4.wgsl" with { type: "text" };
import packCode from "../../../wgsl/pack_halves.wgsl" with { type: "text" };
import unpackFoursCode from "../../../wgsl/unpack_halves_vec4.wgsl" with { type: "text" };
import unpackCode from "../../../wgsl/unpack_halves.wgsl" with { type: "text" };
import halvesFours from "../../../wgsl/lib/halves_vec4.wgsl" with { type: "text" };
import halves from "../../../wgsl/lib/halves.wgsl" with { type: "text" };
import { EXPONENT_BITS, type Step, type Tensor } from "../../tensor/mod.ts";
import { unpackHalves as unpack } from "../../ops/halves.ts";
import { kernel, type Launch, linearGrid, type LowerContext, type Lowering, placeOf } from "../launch.ts";

/** By the columns that an invocation takes. */
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

/** Whether every row begins at a multiple of four columns and of two words, and is one long. */
const inFours = (x: Tensor, words: Tensor, C: number): boolean =>
  [C, x.offset, x.rowStride].every((count) => count % 4 === 0) &&
  [words.offset, words.rowStride].every((count) => count % 2 === 0);

const between = (
  kernels: typeof PACK,
  { R, C, exponentBits }: Step["attributes"],
  { x, words, reads, writes }: { x: Tensor; words: Tensor; reads: Tensor; writes: Tensor },
) => {
  const columns = inFours(x, words, C!) ? 4 : 2;
  return [{
    kernel: kernels[columns],
    constants: { R: R!, C: C!, EXPONENT_BITS: exponentBits!, ...placeOf("X", x), ...placeOf("WORDS", words) },
    reads: [reads],
    writes: [writes],
    grid: linearGrid(Math.ceil(R! * Math.ceil(C! / columns) / 64)),
  }];
};

export const packHalves: Lowering = ({ attributes, reads: { x }, writes: { words } }) =>
  between(PACK, attributes, { x: x!, words: words!, reads: x!, writes: words! });

export const unpackHalves: Lowering = ({ attributes, reads: { words }, writes: { x } }) =>
  between(UNPACK, attributes, { x: x!, words: words!, reads: words!, writes: x! });
