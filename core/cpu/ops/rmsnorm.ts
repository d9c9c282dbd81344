import { float, type Lowering, stridesOf } from "../launch.ts";
import { sumPartials } from "./sum_partials.ts";

/** Rows per block. Each block computes a partial dw; a second launch adds them. */
const ROWS = 32;

export const rmsnormForward: Lowering<"rmsnorm_forward"> = (
  { attributes: { R, D, eps }, reads: { x, delta, w }, writes: { sum, y, r } },
) => [{
  kernel: "rmsnorm_forward",
  args: { x, delta, w, sum, y, r, ...stridesOf({ x, delta, sum, y }), R, D, rows: ROWS, eps: float(eps) },
  blocks: Math.ceil(R / ROWS),
}];

export const rmsnormBackward: Lowering<"rmsnorm_backward"> = (
  { attributes: { R, D }, reads: { dy, x, w, r, dsum }, writes: { dx, dw }, accumulate },
  { scratch },
) => {
  const blocks = Math.ceil(R / ROWS), partial = scratch("dw", [blocks, D]);
  return [{
    kernel: "rmsnorm_backward",
    args: { dy, x, w, r, dsum, dx, partial, ...stridesOf({ dy, x, dsum, dx }), R, D, rows: ROWS },
    blocks,
  }, sumPartials(partial, dw, { accumulate: accumulate.includes("dw") })];
};
