/** Drops the first M rows of each sequence; in the gradient these rows are zero. One block takes one sequence. */
import { bytes, clear, copy } from "./lib/vector";

@unmanaged
class TextRows {
  /** Input: x [B, M + T, D], or dy [B, T, D] in the backward pass. */
  from: usize;
  to: usize;
  strideFrom: i32;
  strideTo: i32;
  T: i32;
  M: i32;
  D: i32;
}

export function text_rows_forward(args: TextRows, b: i32, _workspace: usize): void {
  const S = args.M + args.T;
  for (let t = 0; t < args.T; t++) {
    copy(
      args.to + bytes((b * args.T + t) * args.strideTo),
      args.from + bytes((b * S + args.M + t) * args.strideFrom),
      args.D,
    );
  }
}

export function text_rows_backward(args: TextRows, b: i32, _workspace: usize): void {
  const S = args.M + args.T;
  for (let s = 0; s < S; s++) {
    const to = args.to + bytes((b * S + s) * args.strideTo);
    if (s < args.M) clear(to, args.D);
    else copy(to, args.from + bytes((b * args.T + s - args.M) * args.strideFrom), args.D);
  }
}
