/** Errors of computed tensors against float64 results. */
import type { Precision } from "../../config/mod.ts";
import { HymbaError } from "../../errors.ts";
import { at } from "../../lists.ts";
import type { Executor } from "../../plan/mod.ts";
import type { GoldenFile } from "./file.ts";

/** Bound of the largest difference if the reference is zero everywhere. */
const ZERO_BOUND = 1e-6;

/** The error of one tensor. */
export interface Comparison {
  readonly tensor: string;
  /** RMS(difference) / RMS(reference), or the largest difference if the reference is zero everywhere. */
  readonly error: number;
  readonly bound: number;
}

/** The executor of a case, and the precision of the activations that it saves for the backward pass. */
export interface Target {
  readonly executor: Executor;
  readonly precision: Precision;
}

/** Compares numbers with the tensor `name` of a file. A NaN or an infinite number makes the error infinite. */
export function compare(
  file: GoldenFile,
  name: string,
  { got, bound }: { got: ArrayLike<number>; bound: number },
): Comparison {
  const { data: expected, shape } = file.tensor(name);
  if (got.length !== expected.length) {
    throw new HymbaError(`${file.name}: ${name} is [${shape}], but ${got.length} numbers were computed`);
  }
  let difference = 0, reference = 0, largest = 0;
  for (const [i, value] of expected.entries()) {
    const error = at(got, i) - value;
    difference += error * error;
    reference += value ** 2;
    largest = Math.max(largest, Math.abs(error));
  }
  if (!Number.isFinite(difference + reference)) return { tensor: name, error: Infinity, bound };
  if (reference === 0) return { tensor: name, error: largest, bound: ZERO_BOUND };
  return { tensor: name, error: Math.sqrt(difference / reference), bound };
}

/** Compares each number of a tensor separately: `losses[3]`. */
export function compareEach(
  file: GoldenFile,
  name: string,
  { got, bound }: { got: ArrayLike<number>; bound: number },
): Comparison[] {
  const { data: expected } = file.tensor(name);
  if (got.length !== expected.length) {
    throw new HymbaError(`${file.name}: ${name} has ${expected.length} numbers, but ${got.length} were computed`);
  }
  return Array.from(expected, (value, i) => {
    const difference = Math.abs(at(got, i) - value), error = value === 0 ? difference : difference / Math.abs(value);
    return { tensor: `${name}[${i}]`, error: Number.isFinite(error) ? error : Infinity, bound };
  });
}

/** The comparison with the largest error relative to its bound. */
export function worstOf(comparisons: readonly Comparison[]): Comparison {
  const shareOfBound = ({ error, bound }: Comparison) => error / bound;
  return comparisons.reduce((worst, next) => shareOfBound(next) > shareOfBound(worst) ? next : worst);
}
