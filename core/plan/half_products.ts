/**
 * A rule over a finished plan: which matrix products may round their operands to f16. An executor that multiplies f16 faster does;
 * the others leave them as they are. Sums stay f32, and so does all that is no product of its own: logits and their gradient,
 * attention, the scan, norms, the optimiser.
 */
import type { Storage } from "../tensor/mod.ts";
import type { Plan } from "./plan.ts";

/** The weight that a storage holds, or holds the gradient of. */
const weightOf = ({ name }: Storage): string => name.replace(/^d /, "");

/** The plan with `f16` set in its products, but for those, forward and backward, with a weight whose name ends as one of `exact`. */
export function withHalfProducts(plan: Plan, exact: readonly string[]): Plan {
  const steps = plan.steps.map((step) => {
    const tensors = [...Object.values(step.reads), ...Object.values(step.writes)];
    const kept = tensors.some(({ storage }) => exact.some((ending) => weightOf(storage).endsWith(ending)));
    return step.op !== "matmul" || kept ? step : { ...step, attributes: { ...step.attributes, f16: 1 } };
  });
  return { ...plan, steps };
}
