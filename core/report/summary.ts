/** The results of a run by arm, with statistics over the seeds of each arm. */
import type { Arm } from "../config/mod.ts";
import type { ArmResult, MetricsLine, Quality, Run, StageName, StageResult } from "../record/mod.ts";

/** Statistics of one measure over several seeds. */
export interface Spread {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  /** Sample standard deviation; undefined with a single value. */
  readonly deviation: number | undefined;
  readonly count: number;
}

/** Mean, extremes and standard deviation of the finite values; undefined when there is none. */
export function spreadOf(values: readonly (number | undefined)[]): Spread | undefined {
  const known = values.filter((value): value is number => value !== undefined && Number.isFinite(value));
  if (known.length === 0) return undefined;
  const count = known.length, mean = known.reduce((sum, value) => sum + value, 0) / count;
  const squares = known.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = count > 1 ? Math.sqrt(squares / (count - 1)) : undefined;
  return { mean, low: Math.min(...known), high: Math.max(...known), deviation, count };
}

/** One arm with the results of its seeds, in the order of the study. */
export interface ArmSummary {
  readonly arm: Arm;
  readonly name: string;
  readonly results: readonly ArmResult[];
  /** A measure over the seeds. */
  spread(measure: (result: ArmResult) => number | undefined): Spread | undefined;
}

/** The arms that have results, in the order of the study. */
export function summaries(run: Run): ArmSummary[] {
  return run.record.study.arms.map((arm) => {
    const results = run.results.filter((result) => result.arm === arm.name);
    return {
      arm,
      name: arm.name,
      results,
      spread: (measure: (result: ArmResult) => number | undefined) => spreadOf(results.map(measure)),
    };
  }).filter(({ results }) => results.length > 0);
}

/** Turns a measure of a stage into a measure of an arm's result; undefined if the arm did not finish the stage. */
export const ofStage = (stage: StageName, measure: (result: StageResult) => number | undefined) =>
(
  result: ArmResult,
): number | undefined => {
  const found = result.stages[stage];
  return found && measure(found);
};

export interface Point {
  readonly step: number;
  readonly spread: Spread;
}

/** A curve over the steps of a stage. Each point is over the seeds that have the measure at that step. */
export function curve(
  run: Run,
  { arm, stage, kind }: { arm: string; stage: StageName; kind: MetricsLine["kind"] },
  measure: (line: MetricsLine) => number | undefined,
): Point[] {
  const bySteps = new Map<number, number[]>();
  for (const line of run.metrics) {
    if (line.kind === "failure" || line.kind !== kind || line.arm !== arm || line.stage !== stage) continue;
    const value = measure(line);
    if (value === undefined || value === null || !Number.isFinite(value)) continue;
    bySteps.set(line.step, [...bySteps.get(line.step) ?? [], value]);
  }
  return [...bySteps].toSorted(([a], [b]) => a - b).flatMap(([step, values]) => {
    const spread = spreadOf(values);
    return spread ? [{ step, spread }] : [];
  });
}

/**
 * How a measure of the second stage, or of its control, changed since the first stage: each seed against itself, so that neither the
 * levels of the models nor those of the seeds hide it. A seed starts from its value at step 0, or else from its last one of the
 * first stage. Begins with no change at step 0.
 */
export function curveOfChange(
  run: Run,
  { arm, stage, kind }: { arm: string; stage: StageName; kind: MetricsLine["kind"] },
  measure: (line: MetricsLine) => number | undefined,
): Point[] {
  const own = run.metrics.filter((line) => line.kind === kind && line.arm === arm).flatMap((line) => {
    const value = line.kind === "failure" ? undefined : measure(line);
    return Number.isFinite(value) ? [{ line, value: value ?? 0 }] : [];
  });
  const first = own.filter(({ line }) => line.stage === "pretraining"),
    second = own.filter(({ line }) => line.stage === stage);
  const starts = new Map(
    [...first, ...second.filter(({ line }) => line.step === 0)].map(({ line, value }) => [line.seed, value]),
  );
  const changes = new Map(second.flatMap(({ line, value }): [MetricsLine, number][] => {
    const start = starts.get(line.seed);
    return start === undefined ? [] : [[line, value - start]];
  }));
  const points = curve({ ...run, metrics: [...changes.keys()] }, { arm, stage, kind }, (line) => changes.get(line));
  const seeds = new Set([...changes.keys()].map(({ seed }) => seed)).size;
  const none = spreadOf(Array.from({ length: seeds }, () => 0));
  return points[0] && points[0].step > 0 && none ? [{ step: 0, spread: none }, ...points] : points;
}

/** The result of the last finished stage, without the control. */
export const lastStage = (result: ArmResult): StageResult | undefined =>
  result.stages.orpo ?? result.stages.pretraining;

/** The quality of an arm on the test part after a stage; undefined if it was not evaluated. */
export const testQuality = (
  { test }: Run,
  { arm, seed }: Pick<ArmResult, "arm" | "seed">,
  stage: StageName,
): Quality | undefined => test?.results.find((one) => one.arm === arm && one.seed === seed)?.stages[stage];

/** An arm that stopped before its end, and the reason. */
export interface Failure {
  readonly arm: string;
  readonly seed: number;
  readonly reason: string;
}

/** The arms that stopped early, from the metrics log and the results. The latest entry of an arm and seed counts. */
export function failuresOf({ results, metrics }: Run): Failure[] {
  const found = new Map<string, Failure>();
  const add = (arm: string, seed: number, reason: string | undefined) => {
    if (reason !== undefined) found.set(`${arm} ${seed}`, { arm, seed, reason });
  };
  for (const { arm, seed, kind, message } of metrics) if (kind === "failure") add(arm, seed, message);
  for (const { arm, seed, failure } of results) {
    // A result without a failure replaces the failure of an earlier attempt.
    found.delete(`${arm} ${seed}`);
    add(arm, seed, failure);
  }
  return [...found.values()];
}
