/** A contrast between arms, such as a − b or the effect of a factor, estimated from the block means of their trainings. */
import { at, mean as meanOf } from "../lists.ts";
import type { BlockMeans } from "./text_blocks.ts";

/** A weighted sum of the arms' losses, such as { a: 1, b: −1 }. The weights add up to zero. */
export type Contrast = Readonly<Record<string, number>>;

/** The estimate of a contrast. */
export interface Estimate {
  readonly mean: number;
  /** The contrast in each block of text, as a mean over the seeds. */
  readonly byBlock: readonly number[];
  readonly seeds: number;
  /** Degrees of freedom of the variance between seeds; 0 with one seed. */
  readonly freedom: number;
  /** Standard error from the variance between seeds; 0 with one seed. */
  readonly seedError: number;
  /** Standard error from the text that the variance between seeds does not include. */
  readonly textError: number;
  /** The factor from the bootstrap's standard error to `textError`: 0 to 1. */
  readonly textScale: number;
}

/** A table [arms][seeds] and the weights of its rows. */
export interface Layout {
  readonly weights: readonly number[];
  readonly seeds: number;
}

/** Degrees of freedom of a table without the means of its rows and columns. */
const freedomOf = ({ weights, seeds }: Layout): number => (weights.length - 1) * (seeds - 1);

/** Rows of numbers. Only the first `seeds` of a row are used. */
type Table = readonly ArrayLike<number>[];

/** The mean of the first `seeds` numbers of a row. Plain loops here and below, because a family calls them a million times. */
function rowMean(row: ArrayLike<number>, seeds: number): number {
  let sum = 0;
  for (let s = 0; s < seeds; s++) sum += row[s]!;
  return sum / seeds;
}

/** The sum of squares of a table [arms][seeds] without the means of its arms and of its seeds. */
function residualSquares(table: Table, seeds: number): number {
  const A = table.length;
  let squares = 0, bySeed = 0;
  for (const row of table) {
    const mean = rowMean(row, seeds);
    for (let s = 0; s < seeds; s++) squares += (row[s]! - mean) ** 2;
  }
  const all = table.reduce((sum, row) => sum + rowMean(row, seeds), 0) / A;
  for (let s = 0; s < seeds; s++) {
    let sum = 0;
    for (const row of table) sum += row[s]!;
    bySeed += (sum / A - all) ** 2;
  }
  return Math.max(0, squares - A * bySeed);
}

const squaredWeights = ({ weights }: Layout): number => weights.reduce((sum, w) => sum + w * w, 0);

/**
 * The contrast of a table [arms][seeds] and its standard error, as in a randomised block design: each seed is a block, because
 * all arms see the same batches with one seed. The variance is pooled over all trainings of the contrast's arms. For two arms
 * this is the paired t statistic.
 */
export function ofTable(table: Table, layout: Layout): { mean: number; error: number } {
  const mean = table.reduce((sum, row, a) => sum + at(layout.weights, a) * rowMean(row, layout.seeds), 0);
  if (layout.seeds < 2) return { mean, error: 0 };
  const variance = residualSquares(table, layout.seeds) / freedomOf(layout);
  return { mean, error: Math.sqrt(variance * squaredWeights(layout) / layout.seeds) };
}

/**
 * The variance that is part of both the variance between seeds and that of the text: the interaction of trainings and blocks.
 * Source: Cameron, Gelbach and Miller, "Robust inference with multiway clustering", 2011: the variance of a mean over two
 * crossed samples is V(seeds) + V(text) − V(common).
 */
function commonVariance(means: readonly (readonly Float64Array[])[], layout: Layout): number {
  const B = at(at(means, 0), 0).length;
  const own = means.map((row) => row.map((blocks) => meanOf(blocks)));
  let squares = 0;
  for (let b = 0; b < B; b++) {
    squares += residualSquares(
      means.map((row, a) => row.map((blocks, s) => at(blocks, b) - at(at(own, a), s))),
      layout.seeds,
    );
  }
  return squares / (freedomOf(layout) * (B - 1)) * squaredWeights(layout) / (layout.seeds * B);
}

/** Estimates a contrast from the seeds that all of its arms have; undefined if there is none. */
export function estimate(means: BlockMeans, contrast: Contrast): Estimate & Layout | undefined {
  const arms = Object.keys(contrast).filter((arm) => contrast[arm] !== 0);
  const seeds = means.seedsOf(arms), B = means.blocks;
  if (seeds.length === 0) return undefined;
  const layout = { weights: arms.map((arm) => contrast[arm] ?? 0), seeds: seeds.length };
  const cells = arms.map((arm) => seeds.map((seed) => means.of(arm, seed)));
  const { mean, error } = ofTable(cells.map((row) => row.map((blocks) => meanOf(blocks))), layout);
  const byBlock = Array.from(
    { length: B },
    (_, b) => cells.reduce((sum, row, a) => sum + at(layout.weights, a) * meanOf(row.map((x) => at(x, b))), 0),
  );
  const text = byBlock.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (B - 1) / B;
  const own = seeds.length === 1 ? text : Math.max(0, text - commonVariance(cells, layout));
  return {
    ...layout,
    mean,
    byBlock,
    freedom: freedomOf(layout),
    seedError: error,
    textError: Math.sqrt(own),
    textScale: text > 0 ? Math.sqrt(own / text) : 0,
  };
}
