import { halvesOf } from "./halves.ts";
import { type Lowering, rowsPerBlock, stridesOf } from "../launch.ts";

export const swigluForward: Lowering<"swiglu_forward"> = ({ attributes: { R, F }, reads: { gu }, writes: { y } }) => {
  const rows = rowsPerBlock(F);
  return [{
    kernel: "swiglu_forward",
    args: { gu, y, ...stridesOf({ gu, y }), R, F, rows },
    blocks: Math.ceil(R / rows),
  }];
};

export const swigluBackward: Lowering<"swiglu_backward"> = (
  { attributes: { R, F }, reads: { dy, gu }, writes: { dgu } },
) => {
  const rows = rowsPerBlock(F);
  return [{
    kernel: "swiglu_backward",
    args: { dy, gu, dgu, ...stridesOf({ dy, gu, dgu }), R, F, rows, halvesGu: halvesOf(gu) },
    blocks: Math.ceil(R / rows),
  }];
};
