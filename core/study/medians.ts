/** The median of repeated measurements with its 95 % interval, and whether that is narrow enough to be used. */

export interface Median {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /** Number of measurements. */
  readonly count: number;
}

/** If the interval is wider than this factor, the value is not measurable: neither shown nor used. */
export const WIDEST = 1.3;

/**
 * How many measurements a 95 % interval of the median excludes at each end. The median lies outside the interval from the k-th
 * lowest to the k-th highest of n measurements with probability 2 · Σ_{i<k} C(n, i) / 2ⁿ: of nine one is excluded (3.9 %), of
 * seven none.
 */
export function leftOut(count: number): number {
  let outside = 0, term = 2 / 2 ** count;
  for (let k = 0; k < count / 2; k++) {
    outside += term;
    if (outside > 0.05) return Math.max(0, k - 1);
    term *= (count - k) / (k + 1);
  }
  return 0;
}

/** The median of measurements with its 95 % interval; undefined if there are none. */
export function medianOf(values: readonly number[]): Median | undefined {
  const sorted = values.toSorted((a, b) => a - b), count = sorted.length;
  const middle = sorted.slice(Math.ceil(count / 2) - 1, Math.floor(count / 2) + 1);
  const low = sorted[leftOut(count)], high = sorted[count - 1 - leftOut(count)];
  if (low === undefined || high === undefined) return undefined;
  return { median: middle.reduce((sum, value) => sum + value, 0) / middle.length, low, high, count };
}

/** Whether the interval is narrow enough. */
export const isSteady = ({ low, high }: Pick<Median, "low" | "high">): boolean => high <= WIDEST * low;
