import { type Lowering, rowsPerBlock, stridesOf } from "../launch.ts";

export const rotary: Lowering<"rotary"> = (
  { attributes: { B, T, H, K, sign, low }, reads: { x, table, position }, writes: { y } },
) => {
  const rows = rowsPerBlock(H * K);
  return [{
    kernel: "rotary",
    args: { x, table, position, y, ...stridesOf({ x, y }), B, T, H, K, sign, low, rows },
    blocks: Math.ceil(B * T / rows),
  }];
};
