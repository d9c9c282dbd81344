import code from "../../../wgsl/rotary.wgsl" with { type: "text" };
import { kernel, linearGrid, type Lowering, placesOf } from "../launch.ts";
import { forWidths, widthOf } from "./width.ts";

const KERNELS = forWidths("rotary", (name, vec) => kernel(name, vec, code));

export const rotary: Lowering<"rotary"> = (
  { attributes: { B, T, H, K, sign, low }, reads: { x, table, position }, writes: { y } },
  { scratch },
) => {
  const width = widthOf([K / 2], [x, table, y]), pairs = B * T * H * K / 2 / width;
  return [{
    kernel: KERNELS[width],
    constants: {
      PAIRS: pairs,
      T,
      H,
      K,
      SIGN: sign,
      HAS_POSITION: position ? 1 : 0,
      LOW: low,
      ...placesOf({ X: x, Y: y }),
    },
    reads: [x, table, position ?? scratch("no position", [1], "u32")],
    writes: [y],
    grid: linearGrid(Math.ceil(pairs / 64)),
  }];
};
