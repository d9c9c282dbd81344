/** Matrix product with a weight, which takes most of the time. */
import { HymbaError } from "../errors.ts";
import { defineOp, dimsOf, type Tape, type Tensor } from "../tensor/mod.ts";

export const matmulOp = defineOp({
  name: "matmul",
  phase: "any",
  attributes: ["M", "N", "K", "transA", "transB", "exact?", "f16?", "likeRows?"],
  reads: { a: "M K", b: "K N" },
  writes: { c: "M N" },
  flops: ({ M, N, K }) => 2 * M * N * K,
  mayRoundOperands: true,
  sumsDependOnRows: true,
});

/**
 * y = x · wᵀ. Shapes: x rows of I (may be a slice), w [O, I]; returns y with rows of O.
 * `exact`: the three products keep f32 operands whatever the precision of the plan.
 * Backward: dx = dy · w, dw = dyᵀ · x. All three are one step, `matmul`, with the transposes as attributes:
 * c[m, n] = Σ_k a(m, k) · b(k, n), where a is stored [M, K] (transA 0) or [K, M] (1), b is [K, N] (transB 0) or [N, K] (1).
 */
export function linear(
  tape: Tape,
  { x, w }: { x: Tensor; w: Tensor },
  { name = "projected", into, exact = false }: { name?: string; into?: Tensor; exact?: boolean } = {},
): Tensor {
  const [O, I] = dimsOf(w, 2), R = x.rows;
  if (x.columns !== I) {
    throw new HymbaError(`linear: ${x.name} has rows of ${x.columns}, ${w.name} is [${w.shape}]`, {
      expected: `rows of ${I}`,
    });
  }
  const y = into ?? tape.tensor(name, [...x.shape.slice(0, x.lead), O]);
  matmul(tape, { a: x, b: w, c: y }, { M: R, N: O, K: I, transA: 0, transB: 1, exact });
  tape.onBackward(() => {
    const dy = tape.gradient(y);
    if (!dy) return;
    const dx = tape.target(x), dw = tape.target(w);
    if (dx) {
      const sizes = { M: R, N: I, K: O, transA: 0, transB: 0 } as const;
      matmul(tape, { a: dy, b: w, c: dx.tensor }, { ...sizes, accumulate: dx.accumulate, exact });
    }
    if (dw) {
      const sizes = { M: O, N: I, K: R, transA: 1, transB: 0 } as const;
      matmul(tape, { a: dy, b: x, c: dw.tensor }, { ...sizes, accumulate: dw.accumulate, exact });
    }
  });
  return y;
}

/** Records c = a · b (or c += a · b) without a gradient. */
export function matmul(
  tape: Tape,
  { a, b, c }: { a: Tensor; b: Tensor; c: Tensor },
  { M, N, K, transA, transB, accumulate = false, exact = false }: {
    M: number;
    N: number;
    K: number;
    transA: 0 | 1;
    transB: 0 | 1;
    accumulate?: boolean;
    exact?: boolean;
  },
): void {
  const attributes = { M, N, K, transA, transB, ...(exact && { exact: 1 }) };
  tape.step(matmulOp, { attributes, reads: { a, b }, writes: { c }, accumulate: accumulate ? ["c"] : [] });
}
