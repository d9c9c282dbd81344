/** Speeds for tables and figures: the median of all rounds with its interval, or a text that it is not measurable. */
import type { Run } from "../record/mod.ts";
import { significant } from "./format.ts";
import type { Spread } from "./summary.ts";

export type SpeedKind = "training" | "generation";

/** If the interval is wider than this factor, the value is not shown. */
export const WIDEST = 1.3;

/** The text in place of a speed. */
export const NOT_MEASURED = "not measured", NOT_MEASURABLE = "not measurable here";

/**
 * How many rounds a 95 % interval of the median excludes at each end. The median lies outside the interval from the k-th
 * lowest to the k-th highest of n rounds with probability 2 · Σ_{i<k} C(n, i) / 2ⁿ: of nine rounds one is excluded (3.9 %), of
 * seven none.
 */
export function leftOut(rounds: number): number {
  let outside = 0, term = 2 / 2 ** rounds;
  for (let k = 0; k < rounds / 2; k++) {
    outside += term;
    if (outside > 0.05) return Math.max(0, k - 1);
    term *= (rounds - k) / (k + 1);
  }
  return 0;
}

/** The median of the rounds with its 95 % interval. */
export function speedOf({ speeds }: Run, arm: string, kind: SpeedKind): Spread | undefined {
  const found = speeds?.arms.find((each) => each.arm === arm)?.[`${kind}_tokens_per_s`];
  const sorted = (found ?? []).toSorted((a, b) => a - b), count = sorted.length;
  const middle = sorted.slice(Math.ceil(count / 2) - 1, Math.floor(count / 2) + 1);
  const low = sorted[leftOut(count)], high = sorted[count - 1 - leftOut(count)];
  if (low === undefined || high === undefined) return undefined;
  const mean = middle.reduce((sum, value) => sum + value, 0) / middle.length;
  return { mean, low, high, deviation: undefined, count };
}

/** Whether the interval is narrow enough for the value to be shown. */
const isSteady = ({ low, high }: Spread): boolean => high <= WIDEST * low;

/** The spread if it is steady; otherwise a figure has no bar. */
export function steadySpeed(run: Run, arm: string, kind: SpeedKind): Spread | undefined {
  const found = speedOf(run, arm, kind);
  return found && isSteady(found) ? found : undefined;
}

/** The words in place of a bar. */
export const missingSpeed = (run: Run): string => run.speeds ? NOT_MEASURABLE : NOT_MEASURED;

/** `5243 (5100 to 5302)`, or the reason why there is no number. */
export function speedText(run: Run, arm: string, kind: SpeedKind): string {
  const found = speedOf(run, arm, kind);
  if (!found) return NOT_MEASURED;
  if (!isSteady(found)) return NOT_MEASURABLE;
  return `${significant(found.mean, 4)} (${significant(found.low, 4)} to ${significant(found.high, 4)})`;
}
