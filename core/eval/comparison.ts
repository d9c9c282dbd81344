/** Whether two models differ on the same tokens: bootstrap intervals of paired differences. */
import { HymbaError } from "../errors.ts";
import { at, mean as meanOf } from "../lists.ts";
import { fillNormal, fillUniform, permutation, STREAMS } from "../random.ts";

/** Losses (nats) of the same tokens by two models that were trained on the same batches. */
export interface PairedLosses {
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/** Mean of a − b in nats per token, its 95 % interval, and what it rests on. */
export interface Comparison {
  readonly mean: number;
  readonly interval: readonly [low: number, high: number];
  /** Pairs of models. */
  readonly seeds: number;
  /** Stretches of text that were drawn. */
  readonly blocks: number;
}

/** Whether the interval leaves out zero. */
export const differs = ({ interval: [low, high] }: Comparison): boolean => low > 0 || high < 0;

const RESAMPLES = 2000;

/** How often each of `blocks` stretches is drawn in each resample, [RESAMPLES, blocks]: the same for every comparison. */
const drawn = new Map<number, Uint16Array>();

function drawsOf(blocks: number): Uint16Array {
  const known = drawn.get(blocks);
  if (known) return known;
  const counts = new Uint16Array(RESAMPLES * blocks), uniforms = new Float32Array(blocks);
  for (let step = 0; step < RESAMPLES; step++) {
    fillUniform(uniforms, { seed: 1, stream: STREAMS.bootstrap, step });
    // A number just below 1 may become 1 in 32 bits.
    for (const x of uniforms) counts[step * blocks + Math.min(blocks - 1, Math.floor(x * blocks))]!++;
  }
  drawn.set(blocks, counts);
  return counts;
}

/** Numbers of Student's t that are drawn for each one that is used. */
const FINENESS = 64;

const students = new Map<number, Float64Array>();

/**
 * One number of Student's t distribution with `freedom` degrees of freedom for each resample, in random order: quantiles of a
 * far larger sample, made symmetric. As many plain draws as resamples would put the ends of every interval with three seeds 4 to
 * 8 % too far inside, because with so few degrees of freedom the ends rest on a few large numbers.
 */
function studentDraws(freedom: number): Float64Array {
  const known = students.get(freedom);
  if (known) return known;
  const many = RESAMPLES * FINENESS, counter = { seed: 2, stream: STREAMS.bootstrap, step: freedom };
  const normals = fillNormal(new Float32Array(many * (freedom + 1)), counter);
  const sorted = Float64Array.from({ length: many }, (_, i) => {
    const first = i * (freedom + 1);
    let squares = 0;
    for (let j = 1; j <= freedom; j++) squares += normals[first + j]! ** 2;
    return at(normals, first) / Math.sqrt(squares / freedom);
  }).sort();
  const quantile = (i: number) => at(sorted, Math.floor((i + 0.5) * FINENESS));
  const order = permutation(RESAMPLES, { ...counter, seed: 3 });
  const draws = Float64Array.from(order, (i) => (quantile(i) - quantile(RESAMPLES - 1 - i)) / 2);
  students.set(freedom, draws);
  return draws;
}

const varianceOf = (values: readonly number[], mean = meanOf(values)): number =>
  values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);

/** Mean difference of each stretch of `block` tokens; the last one takes the rest. Shapes: [seeds][blocks]. */
function blockMeans(pairs: readonly PairedLosses[], block: number): number[][] {
  const tokens = at(pairs, 0).a.length, blocks = Math.max(1, Math.round(tokens / block));
  return pairs.map(({ a, b }) => {
    if (a.length !== tokens || b.length !== tokens) {
      throw new HymbaError("comparison: the losses are not of the same tokens", {
        expected: `${tokens} each`,
        got: `${a.length} and ${b.length}`,
      });
    }
    return Array.from({ length: blocks }, (_, i) => {
      const from = Math.floor(i * tokens / blocks), to = Math.floor((i + 1) * tokens / blocks);
      let sum = 0;
      for (let token = from; token < to; token++) sum += a[token]! - b[token]!;
      return sum / (to - from);
    });
  });
}

/**
 * The share of the text's noise that is not already in the spread of the seeds: 1 − V(interaction) / V(text), at least 0.
 * Source: Cameron, Gelbach and Miller, "Robust inference with multiway clustering", 2011: the variance of a mean over two
 * crossed samples is V(seeds) + V(text) − V(interaction).
 */
function ownShare(means: readonly (readonly number[])[], byBlock: readonly number[], mean: number): number {
  const S = means.length, B = byBlock.length;
  if (B < 2) return 0;
  let squares = 0;
  for (const row of means) {
    const bySeed = meanOf(row);
    for (let b = 0; b < B; b++) squares += (row[b]! - bySeed - byBlock[b]! + mean) ** 2;
  }
  const interaction = squares / ((S - 1) * (B - 1)) / (S * B), text = varianceOf(byBlock, mean) / B;
  return text > 0 ? Math.max(0, 1 - interaction / text) : 0;
}

/**
 * Compares two models on the same tokens, one pair of losses for each seed. Stretches of `block` tokens (sequences, so that
 * neighbouring tokens stay together) are drawn with replacement, the same ones for all seeds. With several seeds, the seeds'
 * mean moves too, by Student's t with their standard deviation: drawing from three seeds would make the interval far too
 * narrow. With one seed the interval holds for these two trained models and says nothing of other trainings.
 * Throws a HymbaError when the losses are not of the same tokens.
 */
export function compareLosses(pairs: readonly PairedLosses[], { block }: { block: number }): Comparison {
  if (pairs.length === 0 || at(pairs, 0).a.length === 0) throw new HymbaError("comparison: there are no losses");
  const means = blockMeans(pairs, block), S = means.length, B = at(means, 0).length;
  const byBlock = Array.from({ length: B }, (_, b) => meanOf(means.map((row) => at(row, b)))), mean = meanOf(byBlock);
  const scale = S === 1 ? 1 : Math.sqrt(ownShare(means, byBlock, mean));
  const error = S === 1 ? 0 : Math.sqrt(varianceOf(means.map(meanOf)) / S);
  const counts = drawsOf(B), noise = S === 1 ? undefined : studentDraws(S - 1);
  const middles = Array.from({ length: RESAMPLES }, (_, i) => {
    let sum = 0;
    for (let b = 0; b < B; b++) sum += counts[i * B + b]! * byBlock[b]!;
    return mean + scale * (sum / B - mean);
  });
  // Each t is used with both signs, so that b − a has the ends of a − b.
  const ends = noise ? middles.flatMap((x, i) => [x + error * at(noise, i), x - error * at(noise, i)]) : middles;
  const resampled = Float64Array.from(ends).sort();
  const end = (share: number) => at(resampled, Math.round(share * (resampled.length - 1)));
  return { mean, interval: [end(0.025), end(0.975)], seeds: S, blocks: B };
}
