import backwardCode from "../../../wgsl/swiglu_backward.wgsl" with { type: "text" };
import forwardCode from "../../../wgsl/swiglu_forward.wgsl" with { type: "text" };
import halves from "../../../wgsl/lib/halves.wgsl" with { type: "text" };
import activations from "../../../wgsl/lib/activations.wgsl" with { type: "text" };
import { halvesOf } from "./halves.ts";
import { kernel, linearGrid, type Lowering, placeOf } from "../launch.ts";

const FORWARD = kernel("swiglu_forward", activations, forwardCode);
const BACKWARD = kernel("swiglu_backward", activations, halves, backwardCode);

export const swigluForward: Lowering = ({ attributes: { R, F }, reads: { gu }, writes: { y } }) => [{
  kernel: FORWARD,
  constants: { R: R!, F: F!, ...placeOf("GU", gu!), ...placeOf("Y", y!) },
  reads: [gu!],
  writes: [y!],
  grid: linearGrid(Math.ceil(R! * F! / 64)),
}];

export const swigluBackward: Lowering = ({ attributes: { R, F }, reads: { dy, gu }, writes: { dgu } }) => [{
  kernel: BACKWARD,
  constants: {
    R: R!,
    F: F!,
    ...placeOf("DY", dy!),
    ...placeOf("GU", gu!),
    ...placeOf("DGU", dgu!),
    ...halvesOf({ GU: gu }),
  },
  reads: [dy!, gu!],
  writes: [dgu!],
  grid: linearGrid(Math.ceil(R! * F! / 64)),
}];
