/** What golden cases are held to: the bounds that f32 arithmetic has to keep, and what rounding to 16 bits may add to them. */
import type { Precision } from "../../config/mod.ts";
import type { Plan } from "../../plan/mod.ts";
import type { Comparison, Target } from "./compare.ts";

/**
 * Relative RMS errors in f32. Training, of each loss, each gradient norm and each final parameter: a loss changes by the part of the
 * gradient's error that lies along the gradient, as its norm does, 1 / √n of it with n numbers rounded independently; so both keep
 * f32's bound in 16 bits.
 */
export const BOUNDS = {
  operator: { output: 2e-5, gradient: 1e-4 },
  model: { output: 1e-4, gradient: 5e-4 },
  training: { loss: 1e-3, parameter: 5e-3 },
} as const;

/**
 * Of each final parameter after training in bf16. No derivation: with gradients off by ε a share ε / π of the signs flips, and AdamW,
 * which moves every number by about its rate, then goes the other way; always the same way, that would be 0.1 in these cases.
 * What was asked before, and is met, is kept as the smaller.
 */
export const BF16_PARAMETER = 1e-2;

/**
 * Unit roundoff u: to nearest with p significant bits, |rounded(x) − x| ≤ 2⁻ᵖ · |x|; bf16 has 8, f16 11. The loss scale keeps f16 in
 * its normal range.
 */
const ROUNDOFF: Readonly<Record<Exclude<Precision, "f32">, number>> = { bf16: 2 ** -8, f16: 2 ** -11 };

/**
 * How far gradients may be off besides f32's own error, as relative RMS: u / √3 · √N. Derived from the formats, before any case
 * was run against it:
 *
 *  1. Within a binade the error of rounding is spread evenly over ± u · 2ᵉ, and |x| ≥ 2ᵉ: its RMS is at most u / √3 of the tensor's.
 *  2. A gradient is multilinear in most of what is kept: products of dy with x, of dy with a weight behind a kept factor. A tensor that
 *     enters it once and is off by a relative RMS r, independently in every element, leaves it off by r: the errors of a sum's
 *     terms add up as the terms do. What is not linear has a relative sensitivity of at most 1 where the numbers are: x · SiLU″(x)
 *     against SiLU′, a decay exp(dt · A) against dt (x · e⁻ˣ ≤ 1/e), the part of a norm's gradient that holds x.
 *  3. Different tensors are rounded independently, so N of them on the way give √N. N is counted in the plan: every tensor that
 *     is packed, whether or not it is on the way to this gradient, and where products are made of operands in f16, two for each.
 *
 * It assumes that no gradient is much smaller than sums of as many unrelated terms would be. Outputs are off only by products in f16.
 * Those make what the forward pass computes inexact, and the scan multiplies five results of theirs with each other (u, dt, B, C and
 * the gate): where there is one, products count five times.
 */
export function roundingOf(
  { steps, forwardSteps }: Plan,
  { precision, executor: { f16Products = false } }: Target,
): { output: number; gradient: number } {
  if (precision === "f32") return { output: 0, gradient: 0 };
  const products = (some: Plan["steps"]) =>
    f16Products ? some.filter(({ attributes }) => attributes.f16 === 1).length : 0;
  const packed = steps.filter(({ op }) => op === "pack_halves").length;
  const factors = steps.some(({ op }) => op === "selective_scan_forward") ? 5 : 1;
  const rms = (tensors: number) => ROUNDOFF[precision] * Math.sqrt(tensors / 3);
  return {
    output: rms(2 * factors * products(steps.slice(0, forwardSteps))),
    gradient: rms(packed + 2 * factors * products(steps)),
  };
}

/**
 * Where that assumption does not hold: weights of the norms inside a Mamba branch, a few numbers each. In float64, sums of as many
 * unrelated terms would be up to 5.9 times as large as their gradients are (`hymba_shared_a`: 5.9 for C in layer 5, 5.7 for dt in
 * layer 0, 0.5 to 2.3 otherwise). Products in f16 may put these off by so much more; nothing else needs it.
 */
const CANCELLING = { names: /\.norm_(dt|B|C)\.weight$/, growth: 6 };

/** The comparisons with wider bounds where terms cancel, for products in f16. */
export const withCancelling = (comparisons: readonly Comparison[], { executor, precision }: Target): Comparison[] =>
  comparisons.map((comparison) =>
    precision === "f16" && executor.f16Products && CANCELLING.names.test(comparison.tensor)
      ? { ...comparison, bound: CANCELLING.growth * comparison.bound }
      : comparison
  );
