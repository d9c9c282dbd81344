import packCode from "../../../wgsl/pack_halves.wgsl" with { type: "text" };
import unpackCode from "../../../wgsl/unpack_halves.wgsl" with { type: "text" };
import halves from "../../../wgsl/lib/halves.wgsl" with { type: "text" };
import type { Step, Tensor } from "../../tensor/mod.ts";
import { type Kernel, kernel, linearGrid, type Lowering, placeOf } from "../launch.ts";

const PACK = kernel("pack_halves", halves, packCode);
const UNPACK = kernel("unpack_halves", halves, unpackCode);

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
