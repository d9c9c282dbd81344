import { reshape, sliceColumns } from "../../tensor/mod.ts";
import { float, type Launch, type Lowering } from "../launch.ts";

/** Elements of one block (kernels/optimizer.ts). */
const BLOCK = 16384;

export const gradientNorm: Lowering<"gradient_norm"> = ({ reads, writes: { norm } }, { scratch }) => {
  const parts = Object.values(reads).map((g) => ({
    g,
    n: g.rows * g.columns,
    blocks: Math.ceil(g.rows * g.columns / BLOCK),
  }));
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
    beta1: float(beta1),
    beta2: float(beta2),
    rest1: float(1 - beta1),
    rest2: float(1 - beta2),
    eps: float(eps),
    decay: float(decay),
    clip: float(clip),
    scaled,
  },
  blocks: Math.ceil(n / BLOCK),
}];
