/** Matrix product in float64, as plain loops. */
import { need, type Reference } from "./types.ts";

/** c[m, n] = Σ_k a(m, k) · b(k, n); a is stored [M, K] (transA 0) or [K, M], b [K, N] (transB 0) or [N, K]. Makes c [M, N]. */
export const matmul: Reference = (reads, { M, N, K, transA, transB }) => {
  const a = need(reads, "a"), b = need(reads, "b"), c = new Float64Array(M! * N!);
  for (let m = 0; m < M!; m++) {
    for (let n = 0; n < N!; n++) {
      let sum = 0;
      for (let k = 0; k < K!; k++) {
        sum += a[transA ? k * M! + m : m * K! + k]! * b[transB ? n * K! + k : k * N! + n]!;
      }
      c[m * N! + n] = sum;
    }
  }
  return { c };
};
