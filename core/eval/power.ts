/** How many seeds a study needs to find a difference, judged by the scatter of the seeds that it has. */
import { mean } from "../lists.ts";
import { chiSquareQuantile, normalShare, studentQuantile } from "../student.ts";

/** What decides the power of a comparison. */
export interface Scatter {
  /** Standard deviation of the comparison by one seed (nats per token). */
  readonly deviation: number;
  /** Degrees of freedom that the deviation was measured with. */
  readonly freedom: number;
  /** Arms of the comparison: with n seeds there are (arms − 1) (n − 1) degrees of freedom. */
  readonly arms: number;
  /** Standard error of the text, which more seeds do not lower. */
  readonly textError: number;
}

/** What is asked for. */
export interface Aim {
  /** The difference that is to be found (nats per token). */
  readonly detect: number;
  /** The share of studies that find it, between 0 and 1. */
  readonly power: number;
  /** The share of studies that find one where there is none. */
  readonly level: number;
}

/** Most seeds that are thought of. */
export const MOST_SEEDS = 10_000;

/** Steps of the distribution of the measured variance. */
const STEPS = 200;

/**
 * The share of studies with n seeds that find the difference: the two-sided t test, whose statistic is noncentral t. It is summed
 * over even steps of the χ² distribution of the measured variance; the error is below 0.001.
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

/** The least number of seeds with the power that is asked for; undefined where {@link MOST_SEEDS} do not suffice. */
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

/** The smallest difference that n seeds find with the power that is asked for, to within 0.1 %. */
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
