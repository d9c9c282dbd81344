/**
 * A pass over a finished plan: how its matrix products choose their kernels. A product adds up its terms in an order that depends on the
 * kernel, and kernels are chosen by the number of rows. With this pass each row has the same bits for every number of sequences.
 */
import { matmulOp } from "../ops/linear.ts";
import { isStepOf } from "../tensor/mod.ts";
import type { Plan } from "./plan.ts";

/** The plan with products that choose kernel and order of sums as if there were `rows` rows. */
export function withProductsLike(plan: Plan, rows: number): Plan {
  const steps = plan.steps.map((step) =>
    isStepOf(step, matmulOp) ? { ...step, attributes: { ...step.attributes, likeRows: rows } } : step
  );
  return { ...plan, steps };
}
