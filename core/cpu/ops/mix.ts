import { type Lowering, rowsPerBlock, stridesOf } from "../launch.ts";
import { sumPartials } from "./sum_partials.ts";

export const mixForward: Lowering<"mix_forward"> = ({ attributes: { R, I }, reads: { a, m, g }, writes: { y } }) => {
  const rows = rowsPerBlock(I);
  return [{
    kernel: "mix_forward",
    args: { a, m, g, y, ...stridesOf({ a, m, y }), R, I, rows },
    blocks: Math.ceil(R / rows),
  }];
};

export const mixBackward: Lowering<"mix_backward"> = (
  { attributes: { R, I }, reads: { dy, a, m, g }, writes: { da, dm, dg } },
  { scratch },
) => {
  const rows = rowsPerBlock(I), blocks = Math.ceil(R / rows), partial = scratch("dg", [blocks, 1]);
  return [
    {
      kernel: "mix_backward",
      args: { dy, a, m, g, da, dm, partial, ...stridesOf({ dy, a, m, da, dm }), R, I, rows },
      blocks,
    },
    sumPartials(partial, dg),
  ];
};
