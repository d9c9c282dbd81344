import { reshape, sliceColumns } from "../../tensor/mod.ts";
import { floats, type Launch, type Lowering } from "../launch.ts";

/** Elements of one block (kernels/optimizer.ts). */
const BLOCK = 16384;

export const gradientNorm: Lowering<"gradient_norm"> = ({ reads, writes: { norm } }, { scratch }) => {
  const parts = Object.values(reads).map((g) => {
    const n = g.rows * g.columns;
    return { g, n, blocks: Math.ceil(n / BLOCK) };
  });
  const all = parts.reduce((sum, { blocks }) => sum + blocks, 0);
  const partial = reshape(scratch("squares", [all]), [1, all]);
  let first = 0;
  const squares = parts.map(({ g, n, blocks }): Launch => {
    const own = sliceColumns(partial, first, [blocks]);
    first += blocks;
    return { kernel: "gradient_squares", args: { g, partial: own, n }, blocks };
  });
  return [...squares, { kernel: "gradient_norm", args: { partial, norm, parts: all }, blocks: 1 }];
};

export const adamw: Lowering<"adamw"> = (
  { attributes: { n, beta1, beta2, eps, decay, clip, scaled }, reads: { g, norm, schedule }, writes: { p, m, v } },
) => {
  const scalars = floats({ beta1, beta2, rest1: 1 - beta1, rest2: 1 - beta2, eps, decay, clip });
  return [{
    kernel: "adamw",
    args: { g, norm, schedule, p, m, v, n, ...scalars, scaled },
    blocks: Math.ceil(n / BLOCK),
  }];
};
