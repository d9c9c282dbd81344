import type { Tensor } from "../../tensor/mod.ts";
import type { Launch } from "../launch.ts";

const BLOCK = 1024;

/** out = (or +=) Σ_part partial[part] in order: the second stage of every sum that crosses blocks. Shapes: partial [parts, …out]. */
export function sumPartials(partial: Tensor, out: Tensor, { accumulate = false } = {}): Launch {
  const { rows, columns, rowStride } = out, parts = partial.rows * partial.columns / (rows * columns);
  return {
    kernel: "sum_partials",
    args: { partial, out, stride: rowStride, rows, columns, parts, accumulate: accumulate ? 1 : 0 },
    blocks: Math.ceil(rows * columns / BLOCK),
    workspace: BLOCK,
  };
}
