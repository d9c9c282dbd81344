/** The plans of a stage. The run, the memory check and the estimate all take them from here. */
import { microBatch, type StageConfig, type StudyConfig } from "../config/mod.ts";
import { type EvaluationPlan, evaluationPlan } from "../infer/scorer.ts";
import type { Plan } from "../plan/mod.ts";
import type { ParameterStore } from "../params/store.ts";
import type { StageName } from "../record/mod.ts";
import { rateFactors } from "../train/rate_scaling.ts";
import { type PreferencePlan, preferencePlan, type TrainingPlan, trainingPlan } from "../train/plans.ts";

export interface StagePlans {
  readonly config: StageConfig;
  readonly training: TrainingPlan | PreferencePlan;
  /** Scores the validation tokens between updates. */
  readonly evaluation: EvaluationPlan;
  /** Scores held-out pairs between updates; the first stage has none. */
  readonly pairs?: EvaluationPlan;
}

/**
 * The stages of a study. The control repeats the second stage without its preference term; the profile `seed` has no control.
 */
export function stagesOf({ preference, lastStage }: Pick<StudyConfig, "preference" | "lastStage">): StageName[] {
  if (lastStage === "pretraining") return ["pretraining"];
  return preference.loss === "orpo" ? ["pretraining", "orpo", "control"] : ["pretraining", "orpo"];
}

/** Sequences that are scored at once. They have enough tokens to use every core. */
const evaluationBatch = ({ pretraining, sequenceLength }: StudyConfig) =>
  Math.max(microBatch(pretraining), Math.ceil(1024 / sequenceLength));

/** The plans of an update: one, or two with accumulation. */
export const plansOf = ({ plan, accumulation }: Pick<TrainingPlan, "plan" | "accumulation">): Plan[] =>
  accumulation ? [plan, accumulation.plan] : [plan];

/** Multiplications and additions of one run of a plan. */
export const flopsOf = ({ steps }: Plan) => steps.reduce((sum, { flops }) => sum + flops, 0);

/** Flops of one update: all its batches, and with accumulation the final update of the weights. */
export const flopsOfUpdate = ({ plan, accumulation }: Pick<TrainingPlan, "plan" | "accumulation">): number =>
  accumulation ? accumulation.count * flopsOf(plan) + flopsOf(accumulation.plan) : flopsOf(plan);

/** Records an update of the first stage of one arm. `store`: the weights of the arm. */
export function pretrainingPlan(
  { pretraining, sequenceLength: T, remat, precision }: StudyConfig,
  store: ParameterStore,
): TrainingPlan {
  const { batch: B, accumulate, decay, optimizer } = pretraining, rateFactor = rateFactors(pretraining, store.config);
  return trainingPlan(store, { B, T, accumulate, decay, optimizer, rateFactor, remat, precision });
}

/** Records all plans of a stage of one arm. They exist at the same time. `store`: the weights of the arm. */
export function stagePlans(study: StudyConfig, store: ParameterStore, { stage }: { stage: StageName }): StagePlans {
  const { pretraining, orpo, preference, sequenceLength: T, remat, precision } = study;
  const evaluation = evaluationPlan(store, { B: evaluationBatch(study), T });
  if (stage === "pretraining") return { config: pretraining, training: pretrainingPlan(study, store), evaluation };
  const { batch: n, accumulate, decay, optimizer } = orpo, { beta, promptTokens, completionTokens } = preference;
  const pairT = promptTokens + completionTokens - 1, rateFactor = rateFactors(orpo, store.config);
  const update = { accumulate, decay, optimizer, rateFactor, remat, precision };
  const training = preference.loss === "seed"
    ? trainingPlan(store, { B: n, T, scale: 1 + beta, ...update })
    : preferencePlan(store, { n, T: pairT, beta: stage === "control" ? 0 : beta, ...update });
  return { config: orpo, training, evaluation, pairs: evaluationPlan(store, { B: 2 * microBatch(orpo), T: pairT }) };
}
