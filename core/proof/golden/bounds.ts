/** The error bounds of golden cases: those of f32 arithmetic, and the additional error from rounding to 16 bits. */
import type { Precision } from "../../config/mod.ts";
import type { Plan } from "../../plan/mod.ts";
import type { Comparison, Target } from "./compare.ts";

/**
 * Bounds of relative RMS errors in f32. For training there is a bound of each loss and gradient norm, and a bound of each final
 * parameter. Losses and gradient norms have the same bound in 16 bits: they change only by the component of the gradient's error
 * along the gradient, which is 1 / √n of the error if n numbers are rounded independently.
 */
export const BOUNDS = {
  operator: { output: 2e-5, gradient: 1e-4 },
  model: { output: 1e-4, gradient: 5e-4 },
  training: { loss: 1e-3, parameter: 5e-3 },
} as const;

/**
 * Bound of each final parameter after training in bf16. It is not derived. An estimate: with a relative error ε of the gradients a
 * share ε / π of their signs flips, and AdamW then moves these parameters in the opposite direction, each time by about the
 * learning rate. If all errors added up, that would be 0.1 in these cases. The bound is smaller, and all cases meet it.
 */
export const BF16_PARAMETER = 1e-2;

/**
 * Unit roundoff u: with p significant bits and rounding to nearest, |rounded(x) − x| ≤ 2⁻ᵖ · |x|. bf16 has 8 bits, f16 has 11. The
 * loss scale keeps f16 values in the normal range.
 */
const ROUNDOFF: Readonly<Record<Exclude<Precision, "f32">, number>> = { bf16: 2 ** -8, f16: 2 ** -11 };

/**
 * The relative RMS error of gradients from rounding to 16 bits, in addition to f32's error: u / √3 · √N. It was derived from the
 * formats, before any case was compared with it:
 *
 *  1. Within a binade the rounding error is uniform over ± u · 2ᵉ, and |x| ≥ 2ᵉ. So its RMS is at most u / √3 of the tensor's RMS.
 *  2. A gradient is multilinear in most saved tensors: it has products of dy with x, and of dy with a weight and a saved factor. If a
 *     tensor enters once and has a relative RMS error r, independent in every element, the gradient gets the relative error r,
 *     because the errors of the terms of a sum add up like the terms. Non-linear functions have a relative sensitivity of at most
 *     1 in the range of the values: x · SiLU″(x) relative to SiLU′, a decay exp(dt · A) relative to dt (x · e⁻ˣ ≤ 1/e), and the
 *     part of a norm's gradient that contains x.
 *  3. Different tensors are rounded independently, so N tensors give √N. N is counted in the plan: all packed tensors, also those
 *     that do not influence this gradient, and two operands for each product in f16.
 *
 * It assumes that the terms of a gradient do not cancel much more than unrelated terms would. Outputs have an additional error only
 * from products in f16. The scan multiplies five of their results (u, dt, B, C and the gate), so in a plan with a scan each product
 * counts five times.
 */
export function roundingOf(
  { steps, forwardSteps }: Plan,
  { precision, executor: { f16Products = false } }: Target,
): { output: number; gradient: number } {
  if (precision === "f32") return { output: 0, gradient: 0 };
  const products = (some: Plan["steps"]) =>
    f16Products ? some.filter(({ attributes }) => attributes.f16 === 1).length : 0;
  const packed = steps.filter(({ op }) => op.packs).length;
  const factors = Math.max(...steps.map(({ op: { multipliedProducts = 1 } }) => multipliedProducts));
  const rms = (tensors: number) => ROUNDOFF[precision] * Math.sqrt(tensors / 3);
  return {
    output: rms(2 * factors * products(steps.slice(0, forwardSteps))),
    gradient: rms(packed + 2 * factors * products(steps)),
  };
}

/**
 * Tensors for which this assumption does not hold: the weights of the norms inside a Mamba branch, which are a few numbers each. In
 * float64 a sum of as many unrelated terms would be up to 5.9 times as large as their gradients (`hymba_shared_a`: 5.9 for C in
 * layer 5, 5.7 for dt in layer 0, 0.5 to 2.3 otherwise). With products in f16 their bound is larger by this factor.
 */
const CANCELLING = { names: /\.norm_(dt|B|C)\.weight$/, growth: 6 };

/** The comparisons with larger bounds for the tensors whose terms cancel, if products are in f16. */
export const withCancelling = (comparisons: readonly Comparison[], { executor, precision }: Target): Comparison[] =>
  comparisons.map((comparison) =>
    precision === "f16" && executor.f16Products && CANCELLING.names.test(comparison.tensor)
      ? { ...comparison, bound: CANCELLING.growth * comparison.bound }
      : comparison
  );
