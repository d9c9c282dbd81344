/** Matrix product in float64. */
import { type Array64, dot, zeros } from "./typed_array.ts";
import type { Reference } from "./types.ts";

function transposed(x: Array64, { rows, columns }: { rows: number; columns: number }): Array64 {
  const y = zeros(columns, rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) y.set(x.at(i, j), j, i);
  }
  return y;
}

/** c[m, n] = Σ_k a(m, k) · b(k, n). a is stored as [M, K], or transposed as [K, M]; b as [K, N], or transposed as [N, K]. */
export const matmul: Reference<"matmul"> = ({ a, b }, { M, N, K, transA, transB }) => {
  const rows = transA ? transposed(a.reshape(K, M), { rows: K, columns: M }) : a, c = zeros(M, N);
  const columns = transB ? b.reshape(N, K) : transposed(b, { rows: K, columns: N });
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) c.set(dot(rows.row(m), columns.row(n)), m, n);
  }
  return { c };
};
