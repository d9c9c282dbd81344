import { float, type Lowering, stridesOf } from "../launch.ts";
import { sumPartials } from "./sum_partials.ts";

/** Rows of one block, whose parts of dwa and dwm are added up by further launches. */
const ROWS = 32;

export const fusionForward: Lowering<"fusion_forward"> = (
  { attributes: { R, I, eps }, reads: { a, m, wa, wm }, writes: { y, r } },
) => [{
  kernel: "fusion_forward",
  args: { a, m, wa, wm, y, r, ...stridesOf({ a, m, y }), R, I, rows: ROWS, eps: float(eps) },
  blocks: Math.ceil(R / ROWS),
}];

export const fusionBackward: Lowering<"fusion_backward"> = (
  { attributes: { R, I }, reads: { dy, a, m, wa, wm, r }, writes: { da, dm, dwa, dwm }, accumulate },
  { scratch },
) => {
  const blocks = Math.ceil(R / ROWS), partialA = scratch("dwa", [blocks, I]), partialM = scratch("dwm", [blocks, I]);
  return [
    {
      kernel: "fusion_backward",
      args: { dy, a, m, wa, wm, r, da, dm, partialA, partialM, ...stridesOf({ dy, a, m, da, dm }), R, I, rows: ROWS },
      blocks,
    },
    sumPartials(partialA, dwa, { accumulate: accumulate.includes("dwa") }),
    sumPartials(partialM, dwm, { accumulate: accumulate.includes("dwm") }),
  ];
};
