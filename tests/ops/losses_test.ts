import { nllLoss, orpoLoss } from "../../core/ops/losses.ts";
import { checkOp, type InputMaker } from "./harness.ts";

/** Log-probabilities between `low` and `high`. */
const logps = (low: number, high: number) => (data: Float32Array) =>
  data.forEach((_, i) => data[i] = low + (high - low) * ((i * 0.61803398875) % 1));
const mask = (keep: (index: number) => boolean) => (data: Float32Array) =>
  data.forEach((_, i) => data[i] = keep(i) ? 1 : 0);

for (const R of [1, 63, 257]) {
  Deno.test(`nll_loss of ${R} tokens, some ignored`, () =>
    checkOp("nll_loss", {
      build: (tape, input) => ({
        loss: nllLoss(tape, {
          logp: input("logp", [1, R], { fill: logps(-9, 0) }),
          weight: input("weight", [1, R], { fill: mask((i) => i % 5 !== 3), gradient: false }),
        }),
      }),
    }));
}

const pairs = (input: InputMaker, { n, T, low, high }: { n: number; T: number; low: number; high: number }) => ({
  logp: input("logp", [2 * n, T], { fill: logps(low, high) }),
  weight: input("weight", [2 * n, T], { fill: mask((i) => i < n * T && i % T !== T - 1), gradient: false }),
  completion: input("completion", [2 * n, T], { fill: mask((i) => i % T >= T >> 1), gradient: false }),
});

for (
  const [n, T, beta, low, high] of [[1, 2, 0.1, -5, -1], [3, 65, 0.1, -9, -0.01], [2, 10, 1, -2, 0], [
    5,
    127,
    0,
    -12,
    -2,
  ], [2, 8, 0.5, -1e-3, -1e-5]] as const
) {
  Deno.test(`orpo_loss of ${n} pairs of ${T}, beta ${beta}, log-probabilities from ${low} to ${high}`, () =>
    checkOp("orpo_loss", {
      build: (tape, input) => {
        const { loss, nll, pairs: columns } = orpoLoss(tape, pairs(input, { n, T, low, high }), { beta });
        return { loss, nll, columns };
      },
      withoutCotangent: ["nll", "columns"],
      // This close to p = 1 the odds change too much within a step of 1e-5 for a central difference.
      differences: high > -1e-3 && low > -0.01 ? 0 : 4,
    }));
}
