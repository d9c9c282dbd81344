import backwardCode from "../../../wgsl/mix_backward.wgsl" with { type: "text" };
import forwardCode from "../../../wgsl/mix_forward.wgsl" with { type: "text" };
import activations from "../../../wgsl/lib/activations.wgsl" with { type: "text" };
import { kernel, linearGrid, type Lowering, placesOf } from "../launch.ts";
import { rowKernel } from "./row_kernel.ts";
import { sumPartials } from "./sum_partials.ts";

const FORWARD = kernel("mix_forward", activations, forwardCode);
const BACKWARD = rowKernel("mix_backward", activations, backwardCode);

export const mixForward: Lowering<"mix_forward"> = ({ attributes: { R, I }, reads: { a, m, g }, writes: { y } }) => [{
  kernel: FORWARD,
  constants: { R, I, GATED: g ? 1 : 0, G_OFFSET: g?.offset ?? 0, ...placesOf({ A: a, M: m, Y: y }) },
  reads: [a, m, g ?? a],
  writes: [y],
  grid: linearGrid(Math.ceil(R * I / 64)),
}];

export const mixBackward: Lowering<"mix_backward"> = (
  { attributes: { R, I }, reads: { dy, a, m, g }, writes: { da, dm, dg } },
  context,
) => {
  const partial = context.scratch("dg", [R, 1]);
  const places = placesOf({ DY: dy, A: a, M: m, DA: da, DM: dm });
  return [
    {
      kernel: BACKWARD(context),
      constants: { R, I, LANES: context.rowLanes, G_OFFSET: g.offset, ...places },
      reads: [dy, a, m, g],
      writes: [da, dm, partial],
      grid: linearGrid(R),
    },
    sumPartials(partial, dg),
  ];
};
