import backwardCode from "../../../wgsl/swiglu_backward.wgsl" with { type: "text" };
import forwardCode from "../../../wgsl/swiglu_forward.wgsl" with { type: "text" };
import guF32 from "../../../wgsl/lib/swiglu_gu_f32.wgsl" with { type: "text" };
import guHalves from "../../../wgsl/lib/swiglu_gu_halves.wgsl" with { type: "text" };
import halves from "../../../wgsl/lib/halves.wgsl" with { type: "text" };
import activations from "../../../wgsl/lib/activations.wgsl" with { type: "text" };
import { formatOf } from "./halves.ts";
import { kernel, linearGrid, type Lowering, placesOf } from "../launch.ts";
import { forWidths, widthOf } from "./width.ts";

const FORWARD = forWidths("swiglu_forward", (name, vec) => kernel(name, vec, activations, forwardCode));
const BACKWARD = forWidths("swiglu_backward", (name, vec) => kernel(name, vec, activations, guF32, backwardCode));
/** Where gate and up are words of 16-bit floats; one number at a time. */
const BACKWARD_HALVES = forWidths(
  "swiglu_backward halves",
  (name, vec) => kernel(name, vec, activations, halves, guHalves, backwardCode),
)[1];

export const swigluForward: Lowering<"swiglu_forward"> = ({ attributes: { R, F }, reads: { gu }, writes: { y } }) => {
  const width = widthOf([F], [gu, y]);
  return [{
    kernel: FORWARD[width],
    constants: { R, F, ...placesOf({ GU: gu, Y: y }) },
    reads: [gu],
    writes: [y],
    grid: linearGrid(Math.ceil(R * F / width / 64)),
  }];
};

export const swigluBackward: Lowering<"swiglu_backward"> = (
  { attributes: { R, F }, reads: { dy, gu }, writes: { dgu } },
) => {
  const width = gu.packed ? 1 : widthOf([F], [dy, gu, dgu]);
  return [{
    kernel: gu.packed ? BACKWARD_HALVES : BACKWARD[width],
    constants: { R, F, ...placesOf({ DY: dy, GU: gu, DGU: dgu }), ...formatOf(gu) },
    reads: [dy, gu],
    writes: [dgu],
    grid: linearGrid(Math.ceil(R * F / width / 64)),
  }];
};
