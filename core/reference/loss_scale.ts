/**
 * The scale that the loss is multiplied with, so that small gradients stay inside the range of f16, in float64.
 * Source: Micikevicius et al., "Mixed Precision Training", 2018, section 3.2.
 */
import { vector } from "./typed_array.ts";
import type { Reference } from "./types.ts";

/**
 * Reads the norm of the scaled gradients, the rate in schedule[0], and the state: scale, updates since it changed, 1 − β1^t, 1 − β2^t.
 * Makes the next state; `applied`: rate, 1 − β1^t, 1 − β2^t and the factor of the gradients (0: no update); and `report`: norm of
 * the gradients, scale, 1 for no update.
 */
export const lossScale: Reference<"loss_scale"> = (reads, { factor, beta1, beta2, growEvery, most }) => {
  const norm = reads.norm.at(0), rate = reads.schedule.at(0), scale = reads.state.at(0), good = reads.state.at(1);
  const correction1 = reads.state.at(2), correction2 = reads.state.at(3);
  if (!Number.isFinite(norm)) {
    return {
      state: vector(Math.max(1, scale / 2), 0, correction1, correction2),
      applied: vector(rate, correction1, correction2, 0),
      report: vector(0, scale, 1),
    };
  }
  const multiplier = factor / scale, grows = good + 1 >= growEvery;
  const next1 = beta1 * correction1 + (1 - beta1), next2 = beta2 * correction2 + (1 - beta2);
  return {
    state: vector(grows ? Math.min(most, 2 * scale) : scale, grows ? 0 : good + 1, next1, next2),
    applied: vector(rate, next1, next2, multiplier),
    report: vector(norm * multiplier, scale, 0),
  };
};
