/** What a sweep trains, before anything is trained. */
import type { StudyConfig } from "../../core/config/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { firstTrials } from "../../core/study/sweep.ts";
import { studyOfTrials } from "../../core/study/sweep_grid.ts";
import { type FlagValue, type Sources, type SweepConfig, sweepOf } from "../../core/study_file/mod.ts";
import type { OpenStudy } from "./new_study.ts";
import { readyStudy } from "./study_sources.ts";
import { withTestPart } from "./tuned.ts";

/** Throws a UsageError for a study that a sweep cannot compare. */
export function requireSweepable(asked: StudyConfig): void {
  if (asked.arms.some(({ trunk }) => trunk !== undefined)) {
    throw new UsageError("a sweep has no shorter trainings", {
      hint: "omit pretraining.decayAt here, and use it with hymba ablate --tuned",
    });
  }
  if (asked.budget === "seconds") {
    throw new UsageError("a sweep cannot have a budget of seconds: every point would get a different number of steps", {
      hint: "sweep with --set budget=flops or tokens, and use budget = seconds with hymba ablate --tuned",
    });
  }
}

/** The study of the first round of a sweep. Later rounds depend on its losses. */
export function sweptStudy(
  sources: Sources,
  { opened }: Pick<OpenStudy, "opened">,
): { study: StudyConfig; base: StudyConfig; sweep: SweepConfig } {
  const tested = withTestPart(sources), { study: base, values } = readyStudy(tested, opened), sweep = sweepOf(values);
  const resolve = (more: readonly FlagValue[]) =>
    readyStudy({ ...tested, flags: [...tested.flags ?? [], ...more] }, opened).study;
  const trials = firstTrials(base.arms.map(({ name }) => name), sweep);
  return { study: studyOfTrials(trials, { base, seeds: sweep.seeds, resolve }), base, sweep };
}
