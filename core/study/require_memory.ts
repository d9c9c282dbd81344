/** The gate before every run: the memory of each stage of each arm, so that a study does not end after days of training. */
import type { StudyConfig } from "../config/mod.ts";
import type { StageName } from "../record/mod.ts";
import { ParameterStore } from "../params/store.ts";
import type { Executor, Plan } from "../plan/mod.ts";
import { evaluationPlan, preferencePlan, trainingPlan } from "../train/plans.ts";
import { evaluationBatch, stagesOf } from "./arm.ts";

/** What exists at the same time in a stage: its training step, and the measurements between steps. */
function plansOf(store: ParameterStore, study: StudyConfig, { stage }: { stage: StageName }): Plan[] {
  const { pretraining, orpo, preference, sequenceLength: T, remat, precision } = study;
  const evaluation = evaluationPlan(store, { B: evaluationBatch(study), T }).plan;
  if (stage === "pretraining") {
    return [trainingPlan(store, { B: pretraining.batch, T, decay: 0, remat, precision }).plan, evaluation];
  }
  const n = orpo.batch, pairT = preference.promptTokens + preference.completionTokens - 1;
  const training = preference.loss === "seed"
    ? trainingPlan(store, { B: n, T, decay: 0, remat, precision })
    : preferencePlan(store, { n, T: pairT, decay: 0, beta: 0, remat, precision });
  return [training.plan, evaluation, evaluationPlan(store, { B: 2 * n, T: pairT }).plan];
}

/** Throws a HymbaError that names the first stage of an arm that the executor has no room for. */
export function requireMemory(executor: Executor, study: StudyConfig): void {
  for (const { name, config } of study.arms) {
    const store = new ParameterStore(config);
    for (const stage of stagesOf(study)) executor.requireRoom?.(plansOf(store, study, { stage }), `${name}, ${stage}`);
  }
}
