/**
 * c[m, n] = Σ_k a(m, k) · b(k, n), or c += this sum. a is stored [M, K] (transA 0) or [K, M] (1), b [K, N] (transB 0) or [N, K] (1).
 *
 * pack_columns: one block packs `panels` panels of 8 columns of b over the whole K.
 * matmul: one block computes `rows` × `columns` of c. It packs its part of a into the thread's workspace, `DEPTH` deep at a time.
 * Every element of c is summed over k in the same order, whatever the shape of the block.
 */
import { bytes } from "./lib/vector";
import { packColumns, packRows, product, TILE_COLUMNS, TILE_ROWS } from "./lib/tile";

/** Values of k per pass: a panel of b (16 KiB) and one of a (12 KiB) fit into the L1 cache. */
const DEPTH: i32 = 512;

@unmanaged
class PackColumns {
  /** [K, N] or [N, K], rows `stride` apart. */
  b: usize;
  /** [⌈N / 8⌉, K, 8]. */
  packed: usize;
  stride: i32;
  trans: i32;
  N: i32;
  K: i32;
  panels: i32;
}

export function pack_columns(args: PackColumns, block: i32, _workspace: usize): void {
  const K = args.K, N = args.N;
  const n = block * args.panels * TILE_COLUMNS, count = min(args.panels * TILE_COLUMNS, N - n);
  const from = args.b + bytes(args.trans ? n * args.stride : n), trans = args.trans !== 0;
  packColumns(from, args.stride, trans, count, K, args.packed + bytes(n * K));
}

@unmanaged
class Matmul {
  a: usize;
  /** In the layout of `pack_columns`. */
  packed: usize;
  c: usize;
  strideA: i32;
  strideC: i32;
  transA: i32;
  M: i32;
  N: i32;
  K: i32;
  accumulate: i32;
  rows: i32;
  columns: i32;
}

/** Workspace: one tile (48), then a packed part of a: rows (a multiple of 6) × min(K, DEPTH). */
export function matmul(args: Matmul, block: i32, workspace: usize): void {
  const across = (args.N + args.columns - 1) / args.columns;
  const m = (block / across) * args.rows, n = (block % across) * args.columns;
  const M = min(args.rows, args.M - m), N = min(args.columns, args.N - n), K = args.K;
  const packedA = workspace + bytes(TILE_ROWS * TILE_COLUMNS), strideA = args.strideA;
  for (let k = 0; k < K; k += DEPTH) {
    const depth = min(DEPTH, K - k);
    const from = args.a + bytes(args.transA ? k * strideA + m : m * strideA + k);
    packRows(from, strideA, !args.transA, M, depth, packedA);
    // Panels of b are K deep, panels of a `depth`.
    for (let column = 0; column < N; column += TILE_COLUMNS) {
      const panelB = args.packed + bytes((n + column) * K + k * TILE_COLUMNS);
      const to = args.c + bytes(m * args.strideC + n + column);
      product(
        packedA,
        depth,
        panelB,
        depth,
        M,
        min(TILE_COLUMNS, N - column),
        depth,
        to,
        args.strideC,
        args.accumulate !== 0 || k > 0,
        workspace,
      );
    }
  }
}
