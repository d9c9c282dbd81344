/** What a sweep trains, before anything is trained. */
import type { StudyConfig } from "../../core/config/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { firstTrials } from "../../core/study/sweep.ts";
import { type Resolve, studyOfTrials } from "../../core/study/sweep_grid.ts";
import { faultAt, pathInArm, type Sources, type SweepConfig, sweepOf, type Values } from "../../core/study_file/mod.ts";
import type { OpenStudy } from "./new_study.ts";
import { readyStudy } from "./study_sources.ts";
import { withTestPart } from "./tuned.ts";

/**
 * The sources of a study as a sweep uses them: with a test part, and without the shorter trainings of `decayAt`, which get the
 * choices of the full length. Throws a UsageError for a fault of the whole study.
 */
export const sweepSources = (sources: Sources): Sources => ({ ...withTestPart(sources), withoutBranches: true });

/** Throws a UsageError for a study that a sweep cannot compare, and for a key that no arm of the study has. */
export function requireSweepable({ budget, arms }: StudyConfig, { over }: SweepConfig): void {
  if (budget === "seconds") {
    throw new UsageError("a sweep cannot have a budget of seconds: every point would get a different number of steps", {
      hint: "sweep with --set budget=flops or tokens, and use budget = seconds with hymba ablate --tuned",
    });
  }
  const unused = over.find(({ path }) => arms.every(({ name }) => pathInArm(path, name) === undefined));
  if (!unused) return;
  throw new UsageError(`the sweep tries ${unused.path}, and the study has no such model`, {
    expected: `a key of ${arms.map(({ name }) => name).join(", ")}`,
    hint: "choose the models with --models, or another key with --over",
  });
}

/** The source of the keys of a sweep, as errors name it. */
export const placeOfSweep = (values: Values): string => {
  const over = values.get("sweep.over");
  return over ? faultAt(over.origin) : "the sweep";
};

/** The study with the values of points. `sources`: those of {@link sweepSources}. */
export const resolveWith = (sources: Sources, opened?: OpenStudy["opened"]): Resolve => (flags) =>
  readyStudy({ ...sources, flags: [...sources.flags ?? [], ...flags] }, opened).study;

/** Throws a UsageError with the faults of all points of the study's sweep that make no model. Does nothing without a sweep. */
export function requirePoints(sources: Sources): void {
  if (!readyStudy(sources).values.has("sweep.over")) return;
  const own = sweepSources(sources), { study: base, values } = readyStudy(own), sweep = sweepOf(values);
  const trials = firstTrials(base.arms.map(({ name }) => name), sweep), flag = placeOfSweep(values);
  studyOfTrials(trials, { base, seeds: sweep.seeds, resolve: resolveWith(own), flag });
}

/** The study of the first round of a sweep. Later rounds depend on its losses. */
export function sweptStudy(
  sources: Sources,
  { opened }: Pick<OpenStudy, "opened">,
): { study: StudyConfig; sweep: SweepConfig } {
  const own = sweepSources(sources), { study: base, values } = readyStudy(own, opened), sweep = sweepOf(values);
  requireSweepable(base, sweep);
  const trials = firstTrials(base.arms.map(({ name }) => name), sweep), flag = placeOfSweep(values);
  return { study: studyOfTrials(trials, { base, seeds: sweep.seeds, resolve: resolveWith(own, opened), flag }), sweep };
}
