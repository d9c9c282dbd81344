/** How many seeds a study needs to find a difference, from the variance between the seeds that it has. */
import { mean } from "../lists.ts";
import { chiSquareQuantile, normalShare, studentQuantile } from "../student.ts";

/** The quantities that determine the power of a comparison. */
export interface Scatter {
  /** Standard deviation of the comparison by one seed (nats per token). */
  readonly deviation: number;
  /** Degrees of freedom of the measured deviation. */
  readonly freedom: number;
  /** Arms of the comparison: with n seeds there are (arms − 1) (n − 1) degrees of freedom. */
  readonly arms: number;
  /** Standard error of the text, which more seeds do not lower. */
  readonly textError: number;
}

/** The required sensitivity. */
export interface Aim {
  /** The difference that is to be found (nats per token). */
  readonly detect: number;
  /** The share of studies that find it, between 0 and 1. */
  readonly power: number;
  /** The share of studies that find a difference although there is none. */
  readonly level: number;
}

/** Largest number of seeds that is considered. */
export const MOST_SEEDS = 10_000;

/** Number of quantiles of the distribution of the measured variance. */
const STEPS = 200;

/**
 * The share of studies with n seeds that find the difference. In the two-sided t test, the statistic has a noncentral t
 * distribution. Here it is a mean over evenly spaced quantiles of the χ² distribution of the measured variance. The error is
 * below 0.001.
 */
export function powerOf(scatter: Scatter, { detect, level }: Omit<Aim, "power">, n: number): number {
  const freedom = (scatter.arms - 1) * (n - 1), error = Math.hypot(scatter.deviation / Math.sqrt(n), scatter.textError);
  if (freedom < 1) return 0;
  if (error === 0) return 1;
  const critical = studentQuantile(1 - level / 2, freedom), away = detect / error;
  return mean(Array.from({ length: STEPS }, (_, i) => {
    const edge = critical * Math.sqrt(chiSquareQuantile((i + 0.5) / STEPS, freedom) / freedom);
    return normalShare(away - edge) + normalShare(-away - edge);
  }));
}

/** The least number of seeds with the required power; undefined if {@link MOST_SEEDS} are not enough. */
export function seedsNeeded(scatter: Scatter, aim: Aim): number | undefined {
  const enough = (n: number) => powerOf(scatter, aim, n) >= aim.power;
  let low = 1, high = 2;
  while (!enough(high)) {
    if (high >= MOST_SEEDS) return undefined;
    low = high;
    high = Math.min(MOST_SEEDS, 2 * high);
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (enough(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** The 95 % interval of the deviation, by χ² of its degrees of freedom. */
export function deviationInterval({ deviation, freedom }: Scatter): readonly [low: number, high: number] {
  const end = (p: number) => deviation * Math.sqrt(freedom / chiSquareQuantile(p, freedom));
  return [end(0.975), end(0.025)];
}

/** The smallest difference that n seeds find with the required power, to within 0.1 %. */
export function detectable(scatter: Scatter, { power, level }: Omit<Aim, "detect">, n: number): number {
  const error = Math.hypot(scatter.deviation / Math.sqrt(n), scatter.textError);
  let low = 0, high = error;
  while (powerOf(scatter, { detect: high, level }, n) < power) high *= 2;
  while (high - low > 1e-3 * high) {
    const middle = (low + high) / 2;
    if (powerOf(scatter, { detect: middle, level }, n) < power) low = middle;
    else high = middle;
  }
  return high;
}
