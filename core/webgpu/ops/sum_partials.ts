import code from "../../../wgsl/sum_partials.wgsl" with { type: "text" };
import type { Tensor } from "../../tensor/mod.ts";
import { kernel, type Launch, linearGrid, placeOf } from "../launch.ts";

const KERNEL = kernel("sum_partials", code);

/**
 * out[n] = Σ_part partial[part, n] in order: the second stage of every sum that crosses workgroups. Shapes: partial [parts, n]
 * without gaps, out [n] or a slice with n elements in all its rows. `rows`: only the first rows of each `of` rows of out are written,
 * and n counts only these.
 */
export function sumPartials(
  partial: Tensor,
  out: Tensor,
  { accumulate = false, rows = { first: out.rows, of: out.rows } }: {
    accumulate?: boolean;
    rows?: { readonly first: number; readonly of: number };
  } = {},
): Launch {
  const N = out.rows / rows.of * rows.first * out.columns, PARTS = partial.rows * partial.columns / N;
  return {
    kernel: KERNEL,
    constants: {
      N,
      PARTS,
      ACCUMULATE: accumulate ? 1 : 0,
      PARTIAL_OFFSET: partial.offset,
      COLUMNS: out.columns,
      BLOCK_ROWS: rows.first,
      BLOCK_STRIDE: rows.of * out.rowStride,
      ...placeOf("OUT", out),
    },
    reads: [partial],
    writes: [out],
    grid: linearGrid(Math.ceil(N / 64)),
  };
}
