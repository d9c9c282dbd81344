/** out[row, column] = (or +=) Σ_part partial[part, row, column], in order. One block takes 1024 elements. */
import { bytes, load4, store4 } from "./lib/vector";

const BLOCK: i32 = 1024;

@unmanaged
class SumPartials {
  /** [parts, rows, columns]. */
  partial: usize;
  out: usize;
  stride: i32;
  rows: i32;
  columns: i32;
  parts: i32;
  accumulate: i32;
}

export function sum_partials(args: SumPartials, block: i32, workspace: usize): void {
  const size = args.rows * args.columns, from = block * BLOCK, n = min(BLOCK, size - from);
  for (let i = 0; i < n; i += 4) {
    const left = n - i;
    let at = args.partial + bytes(from + i), sum = load4(at, left);
    for (let part = 1; part < args.parts; part++) {
      at += bytes(size);
      sum = f32x4.add(sum, load4(at, left));
    }
    store4(workspace + bytes(i), sum, left);
  }
  for (let i = 0; i < n; i++) {
    const element = from + i, to = args.out + bytes((element / args.columns) * args.stride + element % args.columns);
    const value = load<f32>(workspace + bytes(i));
    store<f32>(to, args.accumulate ? load<f32>(to) + value : value);
  }
}
