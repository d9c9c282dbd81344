/** Rows of a table by id, after M meta rows at the start of each sequence. */
import { addTo, bytes, clear, copy } from "./lib/vector";

@unmanaged
class EmbeddingForward {
  /** [B, T] u32. */
  ids: usize;
  table: usize;
  /** [M, D] or 0. */
  meta: usize;
  /** [B, M + T, D]. */
  x: usize;
  strideX: i32;
  B: i32;
  T: i32;
  M: i32;
  V: i32;
  D: i32;
  rows: i32;
}

/** One block takes `rows` rows of x. An id that is not in the table ends the run. */
export function embedding_forward(args: EmbeddingForward, block: i32, _workspace: usize): void {
  const S = args.M + args.T, M = args.M, D = args.D, end = min(args.B * S, (block + 1) * args.rows);
  for (let row = block * args.rows; row < end; row++) {
    const b = row / S, s = row % S, to = args.x + bytes(row * args.strideX);
    if (s < M) {
      copy(to, args.meta + bytes(s * D), D);
      continue;
    }
    const id = load<u32>(args.ids + bytes(b * args.T + s - M));
    if (id >= <u32> args.V) unreachable();
    copy(to, args.table + bytes(<i32> id * D), D);
  }
}

@unmanaged
class EmbeddingBackward {
  ids: usize;
  dx: usize;
  dtable: usize;
  /** [M, D] or 0. */
  dmeta: usize;
  strideDx: i32;
  B: i32;
  T: i32;
  M: i32;
  V: i32;
  D: i32;
  /** Rows of the table that one block owns. */
  rows: i32;
  accumulate: i32;
}

/** A block owns rows of the table and searches the whole batch for their ids, in order. The last block computes dmeta. */
export function embedding_backward(args: EmbeddingBackward, block: i32, _workspace: usize): void {
  const S = args.M + args.T, M = args.M, D = args.D, T = args.T, first = block * args.rows;
  if (first >= args.V) {
    if (args.dmeta) sumMeta(args);
    return;
  }
  const end = min(args.V, first + args.rows);
  if (!args.accumulate) clear(args.dtable + bytes(first * D), (end - first) * D);
  for (let at = 0; at < args.B * T; at++) {
    const id = load<i32>(args.ids + bytes(at));
    if (id < first || id >= end) continue;
    const row = (at / T) * S + M + at % T;
    addTo(args.dtable + bytes(id * D), args.dx + bytes(row * args.strideDx), D);
  }
}

function sumMeta(args: EmbeddingBackward): void {
  const S = args.M + args.T, D = args.D;
  clear(args.dmeta, args.M * D);
  for (let b = 0; b < args.B; b++) {
    for (let m = 0; m < args.M; m++) {
      addTo(args.dmeta + bytes(m * D), args.dx + bytes((b * S + m) * args.strideDx), D);
    }
  }
}
