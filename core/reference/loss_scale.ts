/**
 * The scale that a loss is multiplied with so that small gradients stay inside the range of f16, as plain arithmetic in float64.
 * Source: Micikevicius et al., "Mixed Precision Training", 2018, section 3.2.
 */
import { need, type Reference } from "./types.ts";

/**
 * Reads norm [1] (of scaled gradients), schedule [4] (its rate) and state [4] (scale, updates since it changed, 1 − β1^t,
 * 1 − β2^t); makes the next state, applied [4] (rate, 1 − β1^t, 1 − β2^t, what gradients are multiplied with, 0 for no update)
 * and report [3] (norm of the gradient, scale, 1 for no update).
 */
export const lossScale: Reference = (reads, { factor, beta1, beta2, growEvery, most }) => {
  const norm = need(reads, "norm")[0]!, rate = need(reads, "schedule")[0]!;
  const [scale, good, c1, c2] = need(reads, "state") as unknown as [number, number, number, number];
  if (!Number.isFinite(norm)) {
    return {
      state: Float64Array.of(Math.max(1, scale / 2), 0, c1, c2),
      applied: Float64Array.of(rate, c1, c2, 0),
      report: Float64Array.of(0, scale, 1),
    };
  }
  const multiplier = factor! / scale, grown = good + 1 >= growEvery!;
  const next1 = beta1! * c1 + (1 - beta1!), next2 = beta2! * c2 + (1 - beta2!);
  return {
    state: Float64Array.of(grown ? Math.min(most!, 2 * scale) : scale, grown ? 0 : good + 1, next1, next2),
    applied: Float64Array.of(rate, next1, next2, multiplier),
    report: Float64Array.of(norm * multiplier, scale, 0),
  };
};
