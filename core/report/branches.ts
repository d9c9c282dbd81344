/** A run without its shorter trainings (`decayAt`). These show the loss by cost and are not separate models. */
import type { Run } from "../record/mod.ts";

const known = new WeakMap<Run, Run>();

/** Whether a run has shorter trainings that branch off from longer ones. */
export const hasBranches = ({ record: { study: { arms } } }: Run): boolean => arms.some(({ trunk }) => trunk);

/** The run with only the longest training of each model. The run itself if there are no shorter ones. */
export function withoutBranches(run: Run): Run {
  if (!hasBranches(run)) return run;
  const before = known.get(run);
  if (before) return before;
  const arms = run.record.study.arms.filter(({ trunk }) => !trunk), names = new Set(arms.map(({ name }) => name));
  const only = <T extends { readonly arm: string }>(all: readonly T[]): T[] => all.filter(({ arm }) => names.has(arm));
  const { record, test } = run;
  const found: Run = {
    ...run,
    record: { ...record, study: { ...record.study, arms } },
    results: only(run.results),
    metrics: only(run.metrics),
    tokenLosses: only(run.tokenLosses),
    ...(test && { test: { ...test, results: only(test.results), losses: only(test.losses) } }),
  };
  known.set(run, found);
  return found;
}
