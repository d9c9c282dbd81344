/** Checks the memory of each stage of each arm before a run, so that a study does not fail after days of training. */
import type { StudyConfig } from "../config/mod.ts";
import { ParameterStore } from "../params/store.ts";
import type { Executor } from "../plan/mod.ts";
import { stagePlans, stagesOf } from "./stage_plans.ts";

/** Throws a HymbaError that names the first stage of an arm that the executor has no room for. */
export function requireMemory(executor: Executor, study: StudyConfig): void {
  if (!executor.requireRoom) return;
  for (const { name, config } of study.arms) {
    const store = new ParameterStore(config);
    for (const stage of stagesOf(study)) {
      const { training, evaluation, pairs } = stagePlans(study, store, { stage });
      const plans = [training.plan, evaluation.plan, ...(pairs ? [pairs.plan] : [])];
      executor.requireRoom(plans, `${name}, ${stage}`);
    }
  }
}
