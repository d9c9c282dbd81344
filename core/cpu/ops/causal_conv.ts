import { type Lowering, stridesOf } from "../launch.ts";
import { sumPartials } from "./sum_partials.ts";

/** Channels of one block (kernels/causal_conv.ts). */
const CHANNELS = 32;
/** Taps in the kernel's workspace. */
const padded = (J: number) => Math.ceil(J / 4) * 4;

export const causalConvForward: Lowering<"causal_conv_forward"> = (
  { attributes: { B, T, I, J }, reads: { x, w, bias }, writes: { y } },
) => [{
  kernel: "causal_conv_forward",
  args: { x, w, bias, y, ...stridesOf({ x, y }), T, I, J },
  blocks: B * Math.ceil(I / CHANNELS),
  workspace: 4 * (padded(J) + 2 * T),
}];

export const causalConvBackward: Lowering<"causal_conv_backward"> = (
  { attributes: { B, T, I, J }, reads: { dy, x, w, bias }, writes: { dx, dw, dbias }, accumulate },
  { scratch },
) => {
  const partialW = scratch("dw", [B, I, J]), partialBias = dbias && scratch("dbias", [B, I]);
  return [
    {
      kernel: "causal_conv_backward",
      args: { dy, x, w, bias, dx, partialW, partialBias, ...stridesOf({ dy, x, dx }), T, I, J },
      blocks: B * Math.ceil(I / CHANNELS),
      workspace: 4 * (2 * padded(J) + 3 * T),
    },
    sumPartials(partialW, dw, { accumulate: accumulate.includes("dw") }),
    ...(partialBias ? [sumPartials(partialBias, dbias, { accumulate: accumulate.includes("dbias") })] : []),
  ];
};
