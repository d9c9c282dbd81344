/**
 * c[m, n] = Σ_k a(m, k) · b(k, n), or c += that. a is stored [M, K] (transA 0) or [K, M] (1), b [K, N] (transB 0) or [N, K] (1).
 *
 * pack_columns: one block packs `panels` panels of 8 columns of b, whole K.
 * matmul: one block makes `rows` × `columns` of c; it packs its part of a, `DEPTH` deep at a time, into the thread's workspace.
 * Every element of c is summed over k in the same order whatever the block shape.
 */
import { bytes } from "./lib/vector";
import { packPanel, product, TILE_COLUMNS, TILE_ROWS } from "./lib/tile";

/** k per pass: a panel of b (16 KiB) and one of a (12 KiB) stay in the first-level cache. */
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
  for (let panel = block * args.panels; panel < (block + 1) * args.panels; panel++) {
    const n = panel * TILE_COLUMNS;
    if (n >= N) return;
    const from = args.b + bytes(args.trans ? n * args.stride : n);
    packPanel(
      from,
      args.stride,
      args.trans !== 0,
      TILE_COLUMNS,
      min(TILE_COLUMNS, N - n),
      K,
      args.packed + bytes(n * K),
    );
  }
}

@unmanaged
class Matmul {
  a: usize;
  /** As `pack_columns` leaves it. */
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
    for (let row = 0; row < M; row += TILE_ROWS) {
      const at = m + row, from = args.a + bytes(args.transA ? k * strideA + at : at * strideA + k);
      packPanel(from, strideA, !args.transA, TILE_ROWS, min(TILE_ROWS, M - row), depth, packedA + bytes(row * depth));
    }
    // Panels of b are K deep, those of a `depth`.
    for (let column = 0; column < N; column += TILE_COLUMNS) {
      const panelB = args.packed + bytes((n + column) * K + k * TILE_COLUMNS);
      const to = args.c + bytes(m * args.strideC + n + column);
      product(
        packedA,
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
