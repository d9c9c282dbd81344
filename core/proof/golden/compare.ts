/** Errors of computed tensors against float64 results. */
import type { Precision } from "../../config/mod.ts";
import { HymbaError } from "../../errors.ts";
import type { Executor } from "../../plan/mod.ts";
import type { GoldenFile } from "./file.ts";

/** Bound of the largest difference where the reference is all zeros. */
export const ZERO_BOUND = 1e-6;

/** What one tensor came to. */
export interface Comparison {
  readonly tensor: string;
  /** RMS(difference) / RMS(reference); the largest difference where the reference is all zeros. */
  readonly error: number;
  readonly bound: number;
}

/** What a case is held to: an executor, and how it keeps activations for the backward pass. */
export interface Target {
  readonly executor: Executor;
  readonly precision: Precision;
}

/** Holds numbers to the tensor `name` of a file. A number that is not finite makes the error infinite. */
export function compare(
  file: GoldenFile,
  name: string,
  { got, bound }: { got: ArrayLike<number>; bound: number },
): Comparison {
  const { data: expected, shape } = file.tensor(name);
  if (got.length !== expected.length) {
    throw new HymbaError(`${file.name}: ${name} is [${shape}], ${got.length} numbers were computed`);
  }
  let difference = 0, reference = 0, largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const off = got[i]! - expected[i]!;
    difference += off * off;
    reference += expected[i]! ** 2;
    largest = Math.max(largest, Math.abs(off));
  }
  if (!Number.isFinite(difference + reference)) return { tensor: name, error: Infinity, bound };
  if (reference === 0) return { tensor: name, error: largest, bound: ZERO_BOUND };
  return { tensor: name, error: Math.sqrt(difference / reference), bound };
}

/** Each number of a tensor for itself: `losses[3]`. */
export function compareEach(
  file: GoldenFile,
  name: string,
  { got, bound }: { got: ArrayLike<number>; bound: number },
): Comparison[] {
  const { data: expected } = file.tensor(name);
  if (got.length !== expected.length) {
    throw new HymbaError(`${file.name}: ${name} has ${expected.length} numbers, ${got.length} were computed`);
  }
  return Array.from(expected, (value, i) => {
    const off = Math.abs(got[i]! - value), error = value === 0 ? off : off / Math.abs(value);
    return { tensor: `${name}[${i}]`, error: Number.isFinite(error) ? error : Infinity, bound };
  });
}

/** The comparison that is nearest to its bound, or furthest beyond. */
export function worstOf(comparisons: readonly Comparison[]): Comparison {
  const shareOfBound = ({ error, bound }: Comparison) => error / bound;
  return comparisons.reduce((worst, next) => shareOfBound(next) > shareOfBound(worst) ? next : worst);
}
