/**
 * A pass over a finished plan that marks the matrix products which may round their operands to f16. Executors that multiply f16
 * faster use the mark, and the others ignore it. Sums stay f32.
 */
import type { Plan } from "./plan.ts";

/** The plan with `f16` set in its products, except in those that were recorded as `exact`. */
export function withHalfProducts(plan: Plan): Plan {
  const steps = plan.steps.map((step) =>
    step.op.mayRoundOperands && !step.attributes.exact ? { ...step, attributes: { ...step.attributes, f16: 1 } } : step
  );
  return { ...plan, steps };
}
