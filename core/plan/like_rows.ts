/**
 * A pass over a finished plan that fixes the kernels of its matrix products. The order of the sums of a product depends on its
 * kernel, and kernels are chosen by the number of rows. With this pass each row has the same bits for every number of
 * sequences.
 */
import type { Plan } from "./plan.ts";

/** The plan with products that choose kernel and order of sums as if there were `rows` rows. */
export function withProductsLike(plan: Plan, rows: number): Plan {
  const steps = plan.steps.map((step) =>
    step.op.sumsDependOnRows ? { ...step, attributes: { ...step.attributes, likeRows: rows } } : step
  );
  return { ...plan, steps };
}
