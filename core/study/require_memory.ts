/** Checks the memory of each stage of each arm before a run, so that a study does not fail after days of training. */
import { type StudyConfig, studyOfArm } from "../config/mod.ts";
import { ParameterStore } from "../params/store.ts";
import type { Executor } from "../plan/mod.ts";
import { plansOf, stagePlans, stagesOf } from "./stage_plans.ts";

/** Throws a HymbaError that names the first stage of an arm that does not fit into the executor's memory. */
export function requireMemory(executor: Executor, study: StudyConfig): void {
  if (!executor.requireRoom) return;
  for (const arm of study.arms) {
    const { name, config } = arm, store = new ParameterStore(config), own = studyOfArm(study, arm);
    for (const stage of stagesOf(study)) {
      const { training, evaluation, pairs } = stagePlans(own, store, { stage });
      const plans = [...plansOf(training), evaluation.plan, ...(pairs ? [pairs.plan] : [])];
      executor.requireRoom(plans, `${name}, ${stage}`);
    }
  }
}
