import backwardCode from "../../../wgsl/text_rows_backward.wgsl" with { type: "text" };
import forwardCode from "../../../wgsl/text_rows_forward.wgsl" with { type: "text" };
import { kernel, linearGrid, type Lowering, placesOf } from "../launch.ts";

const FORWARD = kernel("text_rows_forward", forwardCode);
const BACKWARD = kernel("text_rows_backward", backwardCode);

export const textRowsForward: Lowering<"text_rows_forward"> = (
  { attributes: { B, T, M, D }, reads: { x }, writes: { y } },
) => [{
  kernel: FORWARD,
  constants: { B, T, M, D, ...placesOf({ X: x, Y: y }) },
  reads: [x],
  writes: [y],
  grid: linearGrid(Math.ceil(B * T * D / 64)),
}];

export const textRowsBackward: Lowering<"text_rows_backward"> = (
  { attributes: { B, T, M, D }, reads: { dy }, writes: { dx } },
) => [{
  kernel: BACKWARD,
  constants: { B, T, M, D, ...placesOf({ DY: dy, DX: dx }) },
  reads: [dy],
  writes: [dx],
  grid: linearGrid(Math.ceil(B * (M + T) * D / 64)),
}];
