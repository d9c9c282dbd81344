import { float, type Lowering } from "../launch.ts";
import { sumPartials } from "./sum_partials.ts";

/** Rows of one block, whose parts of dwa and dwm are added up by further launches. */
const ROWS = 32;

export const fusionForward: Lowering<"fusion_forward"> = (
  { attributes: { R, I, eps }, reads: { a, m, wa, wm }, writes: { y, r } },
) => {
  const strides = { strideA: a.rowStride, strideM: m.rowStride, strideY: y.rowStride };
  return [{
    kernel: "fusion_forward",
    args: { a, m, wa, wm, y, r, ...strides, R, I, rows: ROWS, eps: float(eps) },
    blocks: Math.ceil(R / ROWS),
  }];
};

export const fusionBackward: Lowering<"fusion_backward"> = (
  { attributes: { R, I }, reads: { dy, a, m, wa, wm, r }, writes: { da, dm, dwa, dwm }, accumulate },
  { scratch },
) => {
  const blocks = Math.ceil(R / ROWS), partialA = scratch("dwa", [blocks, I]), partialM = scratch("dwm", [blocks, I]);
  const strides = {
    strideDy: dy.rowStride,
    strideA: a.rowStride,
    strideM: m.rowStride,
    strideDa: da.rowStride,
    strideDm: dm.rowStride,
  };
  return [
    {
      kernel: "fusion_backward",
      args: { dy, a, m, wa, wm, r, da, dm, partialA, partialM, ...strides, R, I, rows: ROWS },
      blocks,
    },
    sumPartials(partialA, dwa, { accumulate: accumulate.includes("dwa") }),
    sumPartials(partialM, dwm, { accumulate: accumulate.includes("dwm") }),
  ];
};
