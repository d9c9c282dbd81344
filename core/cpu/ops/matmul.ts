import type { Tensor } from "../../tensor/mod.ts";
import { type Launch, type LowerContext, type Lowering, rowsPerBlock, stridesOf } from "../launch.ts";

/** Rows and columns of the register tile (kernels/lib/tile.ts), and the depth of one pass (kernels/matmul.ts). */
const TILE_ROWS = 6, TILE_COLUMNS = 8, DEPTH = 512;
/** With fewer blocks, threads are idle at the end of a launch. */
const WANTED_BLOCKS = 24;

interface Operands {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly c: Tensor;
}

interface Product {
  M: number;
  N: number;
  K: number;
  transA: number;
  transB: number;
  accumulate: boolean;
  /** The kernel is chosen as if this were the number of rows. Default: M. */
  likeRows?: number;
}

/** With at most this many rows of a, packing b costs more than it saves. */
const SKINNY_ROWS = 4;

/** c = (or +=) a · bᵀ for a skinny a: at most SKINNY_ROWS rows. */
function skinny({ a, b, c }: Operands, { M, N, K, accumulate }: Product): Launch {
  const columns = rowsPerBlock(K, 16384);
  return {
    kernel: "matmul_skinny",
    args: { a, b, c, ...stridesOf({ a, b, c }), M, N, K, accumulate: accumulate ? 1 : 0, columns },
    blocks: Math.ceil(N / columns),
  };
}

/** The launches of c = (or +=) a · b, shared by all ops that contain a product. */
export function product({ a, b, c }: Operands, sizes: Product, { scratch }: LowerContext): Launch[] {
  const { M, N, K, transA, transB, accumulate, likeRows = M } = sizes;
  if (likeRows <= SKINNY_ROWS && !transA && transB) return [skinny({ a, b, c }, sizes)];
  const panelCount = Math.ceil(N / TILE_COLUMNS), packed = scratch("packed", [panelCount, K, TILE_COLUMNS]);
  const panels = Math.max(1, Math.ceil(Math.min(panelCount / 8, 16384 / (K * TILE_COLUMNS))));
  const { rows, columns } = blockShape(M, N);
  return [{
    kernel: "pack_columns",
    args: { b, packed, stride: b.rowStride, trans: transB, N, K, panels },
    blocks: Math.ceil(panelCount / panels),
  }, {
    kernel: "matmul",
    args: { a, packed, c, ...stridesOf({ a, c }), transA, M, N, K, accumulate: accumulate ? 1 : 0, rows, columns },
    blocks: Math.ceil(M / rows) * Math.ceil(N / columns),
    workspace: TILE_ROWS * TILE_COLUMNS + rows * Math.min(K, DEPTH),
  }];
}

/** The largest blocks that still give every thread work. The shape does not change the bits. */
function blockShape(M: number, N: number): { rows: number; columns: number } {
  let rows = 96, columns = 512;
  const blocks = () => Math.ceil(M / rows) * Math.ceil(N / columns);
  while (columns / 2 >= N) columns /= 2;
  while (blocks() < WANTED_BLOCKS && rows > 24) rows /= 2;
  while (blocks() < WANTED_BLOCKS && columns > 64) columns /= 2;
  return { rows, columns };
}

export const matmul: Lowering<"matmul"> = (
  { attributes: { M, N, K, transA, transB, likeRows }, reads: { a, b }, writes: { c }, accumulate },
  context,
) => product({ a, b, c }, { M, N, K, transA, transB, accumulate: accumulate.includes("c"), likeRows }, context);
