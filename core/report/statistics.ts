/** What a few seeds allow to be said of a difference. */
import type { ArmResult } from "../config/mod.ts";
import type { ArmSummary } from "./summary.ts";

/** Two-sided 95 % quantiles of Student's t distribution for 1, 2, … degrees of freedom. */
const T95 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131];
const NORMAL95 = 1.96;

/** The mean of paired differences and its 95 % interval; the interval is undefined with a single pair. */
export interface Difference {
  readonly mean: number;
  readonly interval?: readonly [low: number, high: number];
  readonly pairs: number;
}

/** Whether the interval leaves out zero. */
export const isClear = ({ interval }: Difference): boolean =>
  interval !== undefined && (interval[0] > 0 || interval[1] < 0);

/**
 * Mean and 95 % interval of differences that were measured in pairs: mean ± t · s / √n. Undefined when there is none.
 * The interval assumes normal differences; with two or three of them it is wide, as it has to be.
 */
export function differenceOf(differences: readonly number[]): Difference | undefined {
  const pairs = differences.length;
  if (pairs === 0) return undefined;
  const mean = differences.reduce((sum, value) => sum + value, 0) / pairs;
  if (pairs === 1) return { mean, pairs };
  const variance = differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (pairs - 1);
  const half = (T95[pairs - 2] ?? NORMAL95) * Math.sqrt(variance / pairs);
  return { mean, interval: [mean - half, mean + half], pairs };
}

/** The measure of `a` minus that of `b` for each seed that both have: all arms see the same batches for a seed. */
export function paired(
  [a, b]: readonly [ArmSummary, ArmSummary],
  measure: (result: ArmResult) => number | undefined,
): Difference | undefined {
  const differences = a.results.flatMap((result) => {
    const other = b.results.find(({ seed }) => seed === result.seed);
    const [left, right] = [measure(result), other && measure(other)];
    return left === undefined || right === undefined ? [] : [left - right];
  });
  return differenceOf(differences.filter(Number.isFinite));
}
