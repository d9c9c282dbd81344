import backwardDw from "../../../wgsl/rmsnorm_backward_dw.wgsl" with { type: "text" };
import backwardDx from "../../../wgsl/rmsnorm_backward_dx.wgsl" with { type: "text" };
import forward from "../../../wgsl/rmsnorm_forward.wgsl" with { type: "text" };
import { kernel, linearGrid, type Lowering, placeOf, placesOf } from "../launch.ts";
import { rowKernel } from "./row_kernel.ts";
import { sumPartials } from "./sum_partials.ts";
import { forWidths, widthOf } from "./width.ts";

const FORWARD = forWidths("rmsnorm_forward", (name, vec) => rowKernel(name, vec, forward));
const BACKWARD_DX = forWidths("rmsnorm_backward_dx", (name, vec) => rowKernel(name, vec, backwardDx));
const BACKWARD_DW = kernel("rmsnorm_backward_dw", backwardDw);

/** Rows whose parts of dw one workgroup adds up. */
const ROWS_PER_PART = 32;

export const rmsnormForward: Lowering<"rmsnorm_forward"> = (
  { attributes: { R, D, eps }, reads: { x, delta, w }, writes: { sum, y, r } },
  context,
) => [{
  kernel: FORWARD[widthOf([D], [x, delta ?? x, w, y, sum ?? y])](context),
  constants: { R, D, LANES: context.rowLanes, EPS: eps, HAS_DELTA: delta ? 1 : 0, ...placesOf({ X: x, Y: y }) },
  reads: [x, delta ?? x, w],
  writes: [sum ?? context.scratch("sum", [4]), y, r],
  grid: linearGrid(R),
}];

export const rmsnormBackward: Lowering<"rmsnorm_backward"> = (
  { attributes: { R, D }, reads: { dy, x, w, r, dsum }, writes: { dx, dw }, accumulate },
  context,
) => {
  const parts = Math.ceil(R / ROWS_PER_PART);
  const partial = context.scratch("dw", [parts, D]);
  const places = placesOf({ DY: dy, X: x });
  const byRow = {
    kernel: BACKWARD_DX[widthOf([D], [dy, x, w, dsum ?? dy, dx ?? dy])](context),
    constants: { R, D, LANES: context.rowLanes, HAS_DSUM: dsum ? 1 : 0, ...places, ...placeOf("DX", dx ?? dy) },
    reads: [dy, x, w, r, dsum ?? dy],
    writes: [dx ?? context.scratch("dx", [R, D])],
    grid: linearGrid(R),
  };
  const byColumn = {
    kernel: BACKWARD_DW,
    constants: { R, D, ROWS: ROWS_PER_PART, ...places },
    reads: [dy, x, r],
    writes: [partial],
    grid: [Math.ceil(D / 64), parts, 1] as const,
  };
  return [...(dx ? [byRow] : []), byColumn, sumPartials(partial, dw, { accumulate: accumulate.includes("dw") })];
};
