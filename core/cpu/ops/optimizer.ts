import { reshape, sliceColumns } from "../../tensor/mod.ts";
import { float, type Launch, type Lowering } from "../launch.ts";

/** Elements of one block (kernels/optimizer.ts). */
const BLOCK = 16384;

export const gradientNorm: Lowering = ({ attributes: { parts }, reads, writes: { norm } }, { scratch }) => {
  const gradients = Array.from({ length: parts! }, (_, part) => reads[`g${part}`]!);
  const blocks = gradients.map(({ rows, columns }) => Math.ceil(rows * columns / BLOCK));
  const all = blocks.reduce((sum, count) => sum + count, 0), partial = reshape(scratch("squares", [all]), [1, all]);
  let first = 0;
  const squares = gradients.map((g, part): Launch => {
    const own = sliceColumns(partial, first, [blocks[part]!]);
    first += blocks[part]!;
    return {
      kernel: "gradient_squares",
      args: { g, partial: own, n: g.rows * g.columns },
      blocks: blocks[part]!,
    };
  });
  return [...squares, { kernel: "gradient_norm", args: { partial, norm, parts: all }, blocks: 1 }];
};

export const adamw: Lowering = (
  { attributes: { n, beta1, beta2, eps, decay, clip, scaled }, reads: { g, norm, schedule }, writes: { p, m, v } },
) => [{
  kernel: "adamw",
  args: {
    g,
    norm,
    schedule,
    p,
    m,
    v,
    n,
    beta1: float(beta1!),
    beta2: float(beta2!),
    rest1: float(1 - beta1!),
    rest2: float(1 - beta2!),
    eps: float(eps!),
    decay: float(decay!),
    clip: float(clip!),
    scaled,
  },
  blocks: Math.ceil(n! / BLOCK),
}];
