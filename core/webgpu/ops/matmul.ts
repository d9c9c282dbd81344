import code from "../../../wgsl/matmul.wgsl" with { type: "text" };
import { kernel, type Lowering, placeOf } from "../launch.ts";

const KERNEL = kernel("matmul", code);
const TILE_M = 64, TILE_N = 64;

export const matmul: Lowering = (
  { attributes: { M, N, K, transA, transB }, reads: { a, b }, writes: { c }, accumulate },
) => [{
  kernel: KERNEL,
  constants: {
    M: M!,
    N: N!,
    K: K!,
    TRANS_A: transA!,
    TRANS_B: transB!,
    ACCUMULATE: accumulate.includes("c") ? 1 : 0,
    ...placeOf("A", a!),
    ...placeOf("B", b!),
    ...placeOf("C", c!),
  },
  reads: [a!, b!],
  writes: [c!],
  grid: [Math.ceil(N! / TILE_N), Math.ceil(M! / TILE_M), 1],
}];
