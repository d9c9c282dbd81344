import backwardDw from "../../../wgsl/fusion_backward_dw.wgsl" with { type: "text" };
import backwardDx from "../../../wgsl/fusion_backward_dx.wgsl" with { type: "text" };
import forwardCode from "../../../wgsl/fusion_forward.wgsl" with { type: "text" };
import { tensorOver } from "../../tensor/mod.ts";
import { kernel, linearGrid, type Lowering, placesOf } from "../launch.ts";
import { rowKernel } from "./row_kernel.ts";
import { sumPartials } from "./sum_partials.ts";

const FORWARD = rowKernel("fusion_forward", forwardCode);
const BACKWARD_DX = rowKernel("fusion_backward_dx", backwardDx);
const BACKWARD_DW = kernel("fusion_backward_dw", backwardDw);

/** Rows whose parts of dwa and dwm one workgroup adds up. */
const ROWS_PER_PART = 32;

export const fusionForward: Lowering<"fusion_forward"> = (
  { attributes: { R, I, eps }, reads: { a, m, wa, wm }, writes: { y, r } },
  context,
) => [{
  kernel: FORWARD(context),
  constants: {
    R,
    I,
    LANES: context.rowLanes,
    EPS: eps,
    WA_OFFSET: wa.offset,
    WM_OFFSET: wm.offset,
    ...placesOf({ A: a, M: m, Y: y }),
  },
  reads: [a, m, wa, wm],
  writes: [y, r],
  grid: linearGrid(R),
}];

export const fusionBackward: Lowering<"fusion_backward"> = (
  { attributes: { R, I }, reads: { dy, a, m, wa, wm, r }, writes: { da, dm, dwa, dwm }, accumulate },
  context,
) => {
  const parts = Math.ceil(R / ROWS_PER_PART), partial = context.scratch("dw", [2, parts, I]);
  const places = placesOf({ DY: dy, A: a, M: m });
  const half = (side: number) => tensorOver(partial.storage, [parts, I], { offset: side * parts * I });
  return [
    {
      kernel: BACKWARD_DX(context),
      constants: {
        R,
        I,
        LANES: context.rowLanes,
        WA_OFFSET: wa.offset,
        WM_OFFSET: wm.offset,
        ...places,
        ...placesOf({ DA: da, DM: dm }),
      },
      reads: [dy, a, m, wa, wm, r],
      writes: [da, dm],
      grid: linearGrid(R),
    },
    {
      kernel: BACKWARD_DW,
      constants: { R, I, ROWS: ROWS_PER_PART, ...places },
      reads: [dy, a, m, r],
      writes: [partial],
      grid: [Math.ceil(I / 64), parts, 1],
    },
    sumPartials(half(0), dwa, { accumulate: accumulate.includes("dwa") }),
    sumPartials(half(1), dwm, { accumulate: accumulate.includes("dwm") }),
  ];
};
