import { halvesOf } from "./halves.ts";
import { type Lowering, rowsPerBlock } from "../launch.ts";

export const swigluForward: Lowering<"swiglu_forward"> = ({ attributes: { R, F }, reads: { gu }, writes: { y } }) => {
  const rows = rowsPerBlock(F);
  return [{
    kernel: "swiglu_forward",
    args: { gu, y, strideGu: gu.rowStride, strideY: y.rowStride, R, F, rows },
    blocks: Math.ceil(R / rows),
  }];
};

export const swigluBackward: Lowering<"swiglu_backward"> = (
  { attributes: { R, F }, reads: { dy, gu }, writes: { dgu } },
) => {
  const rows = rowsPerBlock(F);
  const strides = { strideDy: dy.rowStride, strideGu: gu.rowStride, strideDgu: dgu.rowStride };
  return [{
    kernel: "swiglu_backward",
    args: { dy, gu, dgu, ...strides, R, F, rows, halvesGu: halvesOf(gu) },
    blocks: Math.ceil(R / rows),
  }];
};
