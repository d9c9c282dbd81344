/** Decides whether a series grows, by its slope and the 95 % interval of the slope. */
import { at } from "../../core/lists.ts";

/** Two-sided 95 % quantile of Student's t with ten degrees of freedom: twelve blocks, a line with two parameters. */
const BLOCKS = 12, T95 = 2.228;

export interface Slope {
  /** Growth over the whole series, from the fitted line, in the unit of the series. */
  readonly growth: number;
  /** Half the width of its 95 % interval. */
  readonly half: number;
  readonly mean: number;
}

/**
 * Fits a line to the means of twelve consecutive blocks. Neighbouring values are correlated (garbage collection, other programs on the
 * machine), but means of long blocks hardly are. So the interval assumes independent means. Throws a RangeError for fewer than three
 * values per block.
 */
export function slopeOf(values: readonly number[]): Slope {
  const size = Math.floor(values.length / BLOCKS);
  if (size < 3) throw new RangeError(`${values.length} values; at least ${3 * BLOCKS} are needed`);
  const used = values.slice(values.length - size * BLOCKS);
  const means = Array.from({ length: BLOCKS }, (_, i) => average(used.slice(i * size, (i + 1) * size)));
  const x = means.map((_, i) => i - (BLOCKS - 1) / 2), mean = average(means);
  const spread = x.reduce((sum, place) => sum + place * place, 0);
  const slope = x.reduce((sum, place, i) => sum + place * (at(means, i) - mean), 0) / spread;
  const rest = means.reduce((sum, value, i) => sum + (value - mean - slope * at(x, i)) ** 2, 0);
  const half = T95 * Math.sqrt(rest / (BLOCKS - 2) / spread);
  return { growth: slope * BLOCKS, half: half * BLOCKS, mean };
}

const average = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** A series grows when the low end of the interval is above zero and the growth is above the tolerance. */
export const grows = ({ growth, half }: Slope, tolerated: number): boolean => growth - half > 0 && growth > tolerated;
