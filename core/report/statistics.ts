/** Differences between arms, and how certain a few seeds make them. */
import { FACTORS } from "../config/mod.ts";
import { at } from "../lists.ts";
import type { ArmResult, Run, StageName, TokenLosses } from "../record/mod.ts";
import { compareLosses, type Comparison, type PairedLosses } from "../eval/comparison.ts";
import { studentQuantile } from "../student.ts";
import { type ArmSummary, summaries } from "./summary.ts";

/** The mean of paired differences and its 95 % interval; the interval is undefined with a single pair. */
export interface Difference {
  readonly mean: number;
  readonly interval?: readonly [low: number, high: number];
  readonly pairs: number;
  /** Number of blocks of validation text in the bootstrap; undefined when the interval uses the seeds only. */
  readonly blocks?: number;
}

/** Whether there is an interval and it excludes zero. */
export const isClear = ({ interval }: Difference): boolean =>
  interval !== undefined && (interval[0] > 0 || interval[1] < 0);

/**
 * Mean and 95 % interval of paired differences: mean ± t · s / √n. Undefined without any difference. The interval assumes a
 * normal distribution. With two or three differences it is wide. More
 * than one difference needs `loadStudent`, which `loadRun` calls.
 */
export function differenceOf(differences: readonly number[]): Difference | undefined {
  const pairs = differences.length;
  if (pairs === 0) return undefined;
  const mean = differences.reduce((sum, value) => sum + value, 0) / pairs;
  if (pairs === 1) return { mean, pairs };
  const variance = differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (pairs - 1);
  const half = studentQuantile(0.975, pairs - 1) * Math.sqrt(variance / pairs);
  return { mean, interval: [mean - half, mean + half], pairs };
}

/** The measure of `a` minus that of `b`, paired by seed: with the same seed all arms see the same batches. */
export function paired(
  [a, b]: readonly [ArmSummary, ArmSummary],
  measure: (result: ArmResult) => number | undefined,
): Difference | undefined {
  const differences = a.results.flatMap((result) => {
    const other = b.results.find(({ seed }) => seed === result.seed);
    const ours = measure(result), theirs = other && measure(other);
    return ours === undefined || theirs === undefined ? [] : [ours - theirs];
  });
  return differenceOf(differences.filter(Number.isFinite));
}

const asDifference = ({ mean, interval, seeds, blocks }: Comparison): Difference => ({
  mean,
  interval,
  pairs: seeds,
  blocks,
});

/** The last stage that all arms of a run have finished. */
export const lastStageOf = (run: Run): StageName =>
  run.results.every(({ stages }) => stages.orpo) ? "orpo" : "pretraining";

const keptLosses = (run: Run, { arm, stage }: { arm: string; stage: StageName }): TokenLosses[] =>
  run.tokenLosses.filter((kept) => kept.arm === arm && kept.stage === stage);

/** Mean loss of an arm's seeds on the validation tokens; undefined where the losses of tokens were not kept. */
export function meanTokenLoss(run: Run, of: { arm: string; stage: StageName }): number | undefined {
  const means = keptLosses(run, of).map(({ nats }) => nats.reduce((sum, loss) => sum + loss, 0) / nats.length);
  return means.length > 0 ? means.reduce((sum, mean) => sum + mean, 0) / means.length : undefined;
}

/** Loss of arm `a` minus that of arm `b` on the validation tokens, paired by seed; undefined where losses were not kept. */
export function tokenDifference(
  run: Run,
  [a, b]: readonly [string, string],
  stage: StageName = lastStageOf(run),
): Difference | undefined {
  const others = keptLosses(run, { arm: b, stage });
  const pairs = keptLosses(run, { arm: a, stage }).flatMap(({ seed, nats }): PairedLosses[] => {
    const other = others.find((one) => one.seed === seed);
    return other ? [{ a: nats, b: other.nats }] : [];
  });
  return pairs.length > 0 ? asDifference(compareLosses(pairs, { block: run.record.study.sequenceLength })) : undefined;
}

/** The difference of the losses of two arms after a stage. */
export interface ArmComparison {
  readonly a: string;
  readonly b: string;
  readonly stage: StageName;
  readonly difference: Difference;
}

/** Every pair of arms whose token losses were kept, in the order of the study. */
export function comparisons(run: Run, stage: StageName = lastStageOf(run)): ArmComparison[] {
  const names = summaries(run).map(({ name }) => name);
  return names.flatMap((a, i) =>
    names.slice(i + 1).flatMap((b) => {
      const difference = tokenDifference(run, [a, b], stage);
      return difference ? [{ a, b, stage, difference }] : [];
    })
  );
}

/** The sources of noise that the intervals of a run cover, in words; empty where token losses were not kept. */
export function intervalsRestOn(run: Run): string {
  const found = comparisons(run), blocks = found[0]?.difference.blocks;
  if (blocks === undefined) return "";
  const pairs = found.map(({ difference }) => difference.pairs), least = Math.min(...pairs), most = Math.max(...pairs);
  return `Bootstrap over ${blocks} sequences of validation tokens, the same tokens for all. ` +
    (most === 1
      ? "One seed: the intervals hold for these trained models on other text, and say nothing of other trainings."
      : `The intervals allow for other text and, by Student's t over ${
        least === most ? most : `${least} to ${most}`
      } seeds, for other trainings.`);
}

/** The losses of each token, averaged over several trainings. */
function meanLosses(all: readonly TokenLosses[]): Float32Array {
  return at(all, 0).nats.map((_, token) => all.reduce((sum, { nats }) => sum + at(nats, token), 0) / all.length);
}

/** The effect on the loss of switching one factor on, averaged over the four combinations of the other two. */
export interface FactorEffect {
  readonly words: string;
  readonly difference: Difference;
}

/** The effect of each factor of the factorial suite; empty for other suites and where an arm is missing. */
export function factorEffects(run: Run, stage: StageName = lastStageOf(run)): FactorEffect[] {
  const { study } = run.record;
  if (study.suite !== "factorial" || study.arms.length !== 2 ** FACTORS.length) return [];
  return FACTORS.flatMap(({ field, words }) => {
    const side = (on: boolean, seed: number) =>
      study.arms.filter(({ config }) => config[field] === on).flatMap(({ name }) =>
        keptLosses(run, { arm: name, stage }).filter((kept) => kept.seed === seed)
      );
    const pairs = study.seeds.flatMap((seed): PairedLosses[] => {
      const on = side(true, seed), off = side(false, seed);
      return on.length + off.length === study.arms.length ? [{ a: meanLosses(on), b: meanLosses(off) }] : [];
    });
    if (pairs.length === 0) return [];
    return [{ words, difference: asDifference(compareLosses(pairs, { block: study.sequenceLength })) }];
  });
}
