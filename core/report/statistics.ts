/** Differences between arms and their uncertainty with a small number of seeds. */
import { EQUIVALENCE_MARGIN, factorsOf, isOn } from "../config/mod.ts";
import { compareFamily, type Comparison } from "../eval/comparison.ts";
import type { Contrast } from "../eval/contrast.ts";
import { blockMeans, blocksOf } from "../eval/text_blocks.ts";
import type { ArmResult, Run, StageName, TokenLosses } from "../record/mod.ts";
import { studentQuantile } from "../student.ts";
import { type ArmSummary, summaries } from "./summary.ts";

/** The mean of paired differences and its 95 % interval; the interval is undefined with a single pair. */
export interface Difference {
  readonly mean: number;
  /** A simultaneous interval, see {@link Comparison}. */
  readonly interval?: readonly [low: number, high: number];
  /** The interval of this difference alone. */
  readonly alone?: readonly [low: number, high: number];
  readonly pairs: number;
  /** Blocks of validation text in the bootstrap; undefined if the interval uses the seeds only. */
  readonly blocks?: number;
}

/** Whether there is an interval and it excludes zero. */
export const isClear = ({ interval }: Difference): boolean =>
  interval !== undefined && (interval[0] > 0 || interval[1] < 0);

/** The result of a comparison: one side is lower, both are equal within the margin, or undecided. */
export type Standing = "lower" | "higher" | "equal" | "undecided";

/**
 * The result of a comparison. "equal" only if the whole interval is within the margin: two one-sided tests at 2.5 % each,
 * above −margin and below margin. A difference without an interval is judged by its sign.
 */
export function standingOf(difference: Difference, margin: number): Standing {
  const { mean, interval } = difference;
  if (interval === undefined || isClear(difference)) return mean < 0 ? "lower" : mean > 0 ? "higher" : "equal";
  return interval[0] > -margin && interval[1] < margin ? "equal" : "undecided";
}

/** Nats per token below which differences of the study do not matter. */
export const marginOf = ({ record: { study } }: Run): number => study.equivalenceMargin ?? EQUIVALENCE_MARGIN;

/**
 * Mean and 95 % interval of paired differences: mean ± t · s / √n. Undefined without any difference. The interval assumes a
 * normal distribution. With two or three differences it is wide. `together`: the number of simultaneous intervals
 * (Bonferroni): in 95 of 100 cases all of them contain their true values. More than one difference needs `loadStudent`, which
 * `loadRun` calls.
 */
export function differenceOf(
  differences: readonly number[],
  { together = 1 }: { together?: number } = {},
): Difference | undefined {
  const pairs = differences.length;
  if (pairs === 0) return undefined;
  const mean = differences.reduce((sum, value) => sum + value, 0) / pairs;
  if (pairs === 1) return { mean, pairs };
  const variance = differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (pairs - 1);
  const error = Math.sqrt(variance / pairs);
  const around = (level: number) => {
    const half = studentQuantile(1 - level / 2, pairs - 1) * error;
    return [mean - half, mean + half] as const;
  };
  return { mean, interval: around(0.05 / together), alone: around(0.05), pairs };
}

/** The measure of `a` minus that of `b`, paired by seed: with the same seed all arms see the same batches. */
export function paired(
  [a, b]: readonly [ArmSummary, ArmSummary],
  { measure, together }: { measure: (result: ArmResult) => number | undefined; together: number },
): Difference | undefined {
  const differences = a.results.flatMap((result) => {
    const other = b.results.find(({ seed }) => seed === result.seed);
    const ours = measure(result), theirs = other && measure(other);
    return ours === undefined || theirs === undefined ? [] : [ours - theirs];
  });
  return differenceOf(differences.filter(Number.isFinite), { together });
}

/** Converts a comparison for tables and figures. */
export const asDifference = ({ mean, interval, alone, seeds, blocks }: Comparison): Difference => ({
  mean,
  interval,
  alone,
  pairs: seeds,
  blocks,
});

/** The last stage that all arms of a run have finished. */
export const lastStageOf = (run: Run): StageName =>
  run.results.every(({ stages }) => stages.orpo) ? "orpo" : "pretraining";

/**
 * The part of the text on which models are compared: the test part if every finished model was evaluated on it, because no
 * choice depends on it; else the validation part.
 */
export const comparedPart = ({ results, test }: Run): "validation" | "test" =>
  test !== undefined && results.length > 0 && test.losses.length > 0 && test.results.length >= results.length
    ? "test"
    : "validation";

const keptLosses = (run: Run, stage: StageName): TokenLosses[] => {
  const losses = comparedPart(run) === "test" ? run.test?.losses ?? [] : run.tokenLosses;
  return losses.filter((kept) => kept.stage === stage);
};

/** Mean loss of an arm's seeds on the compared tokens; undefined if the losses of tokens were not stored. */
export function meanTokenLoss(run: Run, { arm, stage }: { arm: string; stage: StageName }): number | undefined {
  const means = keptLosses(run, stage).filter((kept) => kept.arm === arm)
    .map(({ nats }) => nats.reduce((sum, loss) => sum + loss, 0) / nats.length);
  return means.length > 0 ? means.reduce((sum, mean) => sum + mean, 0) / means.length : undefined;
}

/** The difference of the losses of two arms after a stage. */
export interface ArmComparison {
  readonly a: string;
  readonly b: string;
  readonly stage: StageName;
  readonly difference: Difference;
  readonly comparison: Comparison;
}

/** Estimates contrasts of the losses after a stage. */
function answered(
  run: Run,
  { stage, contrasts }: { stage: StageName; contrasts: readonly Contrast[] },
): (Comparison | undefined)[] {
  const kept = keptLosses(run, stage), tokens = kept[0]?.nats.length;
  if (tokens === undefined) return contrasts.map(() => undefined);
  const means = blockMeans(kept, { blocks: blocksOf(tokens, run.record.study.sequenceLength) });
  return compareFamily([{ means, contrasts }])[0] ?? [];
}

/** A cache of the comparisons of a run by stage, because tables, figures and texts need the same ones. */
const known = new WeakMap<Run, Map<StageName, ArmComparison[]>>();

/** Every pair of arms whose token losses were stored, in the order of the study. The intervals are simultaneous. */
export function comparisons(run: Run, stage: StageName = lastStageOf(run)): ArmComparison[] {
  const ofRun = known.get(run) ?? new Map<StageName, ArmComparison[]>(), before = ofRun.get(stage);
  if (before) return before;
  const names = summaries(run).map(({ name }) => name);
  const pairs = names.flatMap((a, i) => names.slice(i + 1).map((b) => ({ a, b })));
  const answers = answered(run, { stage, contrasts: pairs.map(({ a, b }) => ({ [a]: 1, [b]: -1 })) });
  const found = pairs.flatMap(({ a, b }, i) => {
    const comparison = answers[i];
    return comparison ? [{ a, b, stage, comparison, difference: asDifference(comparison) }] : [];
  });
  known.set(run, ofRun.set(stage, found));
  return found;
}

/** The difference with its sign changed. */
export function negated({ mean, interval, alone, ...counts }: Difference): Difference {
  const negated = (ends: Difference["interval"]) => ends && [-ends[1], -ends[0]] as const;
  return { mean: -mean, interval: negated(interval), alone: negated(alone), ...counts };
}

/** Loss of arm `a` minus that of arm `b` on the compared tokens, paired by seed; undefined if losses were not stored. */
export function tokenDifference(
  run: Run,
  [a, b]: readonly [string, string],
  stage: StageName = lastStageOf(run),
): Difference | undefined {
  for (const pair of comparisons(run, stage)) {
    if (pair.a === a && pair.b === b) return pair.difference;
    if (pair.a === b && pair.b === a) return negated(pair.difference);
  }
}

/** The sources of noise that the intervals of a run cover, in words; empty if token losses were not stored. */
export function intervalsRestOn(run: Run): string {
  const found = comparisons(run), blocks = found[0]?.difference.blocks;
  if (blocks === undefined) return "";
  const pairs = found.map(({ difference }) => difference.pairs), least = Math.min(...pairs), most = Math.max(...pairs);
  const tokens = Math.round((keptLosses(run, lastStageOf(run))[0]?.nats.length ?? 0) / blocks);
  return `Bootstrap over ${blocks} blocks of about ${tokens} ${comparedPart(run)} tokens, the same for all models. ` +
    (most === 1
      ? "One seed: the intervals cover other text, but not other trainings."
      : `The intervals cover other text and, by Student's t over ${
        least === most ? most : `${least} to ${most}`
      } seeds, other trainings.`) +
    (found.length === 1
      ? ""
      : ` They are wide enough that all ${found.length} hold together in 95 of 100 cases, also those of the model that was ` +
        `found best.`);
}

/** Explains the words for differences. */
export const marginNote = (run: Run): string =>
  `Equal: the whole interval lies within ±${marginOf(run)} nats per token, the margin of this study. Undecided: the ` +
  `interval holds zero and values beyond the margin.`;

/** The effect on the loss of switching one factor on, averaged over the four combinations of the other two. */
export interface FactorEffect {
  readonly words: string;
  readonly difference: Difference;
  readonly comparison: Comparison;
}

/**
 * The effect of each factor of a factorial suite; empty for other suites and if an arm is missing. The variance is pooled over
 * all trainings, with the seeds as blocks: with eight arms and three seeds it has 14 degrees of freedom.
 */
export function factorEffects(run: Run, stage: StageName = lastStageOf(run)): FactorEffect[] {
  const { study } = run.record, factors = factorsOf(study.suite), all = 2 ** factors.length;
  if (factors.length === 0 || study.arms.length !== all) return [];
  const contrasts = factors.map((factor) =>
    Object.fromEntries(study.arms.map(({ name, config }) => [name, (isOn(config, factor) ? 2 : -2) / all]))
  );
  const answers = answered(run, { stage, contrasts });
  return factors.flatMap(({ words }, i) => {
    const comparison = answers[i];
    return comparison ? [{ words, comparison, difference: asDifference(comparison) }] : [];
  });
}
