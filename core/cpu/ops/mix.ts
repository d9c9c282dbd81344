import { type Lowering, rowsPerBlock } from "../launch.ts";
import { sumPartials } from "./sum_partials.ts";

export const mixForward: Lowering<"mix_forward"> = ({ attributes: { R, I }, reads: { a, m, g }, writes: { y } }) => {
  const rows = rowsPerBlock(I);
  const strides = { strideA: a.rowStride, strideM: m.rowStride, strideY: y.rowStride };
  return [{ kernel: "mix_forward", args: { a, m, g, y, ...strides, R, I, rows }, blocks: Math.ceil(R / rows) }];
};

export const mixBackward: Lowering<"mix_backward"> = (
  { attributes: { R, I }, reads: { dy, a, m, g }, writes: { da, dm, dg } },
  { scratch },
) => {
  const rows = rowsPerBlock(I), blocks = Math.ceil(R / rows), partial = scratch("dg", [blocks, 1]);
  const strides = {
    strideDy: dy.rowStride,
    strideA: a.rowStride,
    strideM: m.rowStride,
    strideDa: da.rowStride,
    strideDm: dm.rowStride,
  };
  return [
    { kernel: "mix_backward", args: { dy, a, m, g, da, dm, partial, ...strides, R, I, rows }, blocks },
    sumPartials(partial, dg),
  ];
};
