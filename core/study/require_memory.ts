/** Checks the memory of each stage of each arm before a run, so that a study does not fail after days of training. */
import { type StudyConfig, studyOfArm } from "../config/mod.ts";
import { ParameterStore } from "../params/store.ts";
import type { Executor, RoomNeed } from "../plan/mod.ts";
import { plansOf, stagePlans, stagesOf } from "./stage_plans.ts";

/** Throws a HymbaError that names the arm and stage that need the most memory if the executor has less. */
export function requireMemory(executor: Executor, study: StudyConfig): void {
  executor.requireRoom?.(needsOf(study));
}

/** What each stage of each arm needs. The plans are made one stage at a time. */
function* needsOf(study: StudyConfig): Generator<RoomNeed> {
  for (const arm of study.arms) {
    const { name, config } = arm, store = new ParameterStore(config), own = studyOfArm(study, arm);
    for (const stage of stagesOf(study)) {
      const { training, evaluation, pairs } = stagePlans(own, store, { stage });
      const plans = [...plansOf(training), evaluation.plan, ...(pairs ? [pairs.plan] : [])];
      yield { plans, who: `${name}, ${stage}` };
    }
  }
}
