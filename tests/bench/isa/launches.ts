/** The kernels of all plans of `paper` for a class of GPUs. It needs no GPU: the plans are lowered, but not prepared. */
import { layoutCaches, layoutSequences } from "../../../core/infer/caches.ts";
import { chunkPlan, stepPlan } from "../../../core/infer/plans.ts";
import { ParameterStore } from "../../../core/params/store.ts";
import type { Plan } from "../../../core/plan/mod.ts";
import { resolvedStudy } from "../../../core/study/match.ts";
import { evaluationPlan } from "../../../core/infer/scorer.ts";
import { preferencePlan, trainingPlan } from "../../../core/train/plans.ts";
import type { Precision } from "../../../core/config/mod.ts";
import type { AdapterClass } from "../../../core/device/types.ts";
import { type Launch, lowerContext, overridesOf } from "../../../core/webgpu/launch.ts";
import type { MatrixUnit } from "../../../core/webgpu/matrix_unit.ts";
import { LOWERINGS } from "../../../core/webgpu/ops/mod.ts";
import { entryFor } from "../../../core/ops/registry.ts";

export const CLASSES = ["discrete", "integrated", "apple"] as const satisfies readonly AdapterClass[];

/** A plan of a study. */
export interface Stage {
  readonly arm: string;
  readonly stage: "training" | "preference" | "evaluation" | "prompt" | "decoding";
  readonly precision: Precision;
  /** Products are made by tensor cores. */
  readonly tensorCores?: true;
  readonly plan: Plan;
}

/** What AMD's matrix instructions multiply, in subgroups of 32. */
const MATRIX_UNIT: MatrixUnit = {
  ...{ component: "f16", M: 16, N: 16, K: 16, lanes: 32 },
  ...{ workgroupBytes: 65536, invocations: 1024 },
};

/** Whether a class is surveyed with the plan. The tensor cores are those of large GPUs. */
export const isSurveyed = ({ tensorCores }: Stage, adapterClass: AdapterClass): boolean =>
  !tensorCores || adapterClass === "discrete";

/** The precision of a plan in words. */
export const precisionOf = ({ precision, tensorCores }: Stage): string =>
  tensorCores ? `${precision}, tensor cores` : precision;

/** The subgroup size for lowering. No kernel of these classes depends on it. */
const SUBGROUP_SIZE = 32;
/** Sequences and tokens of decoding, and tokens of a chunk of the prompt. */
const DECODED = { B: 4, length: 128, chunk: 64 };

/** The plans of every arm of `paper` in f32, and training of `hymba` in both 16-bit precisions. */
export function stages(): Stage[] {
  const study = resolvedStudy("paper"),
    { pretraining: { batch: B, decay }, orpo, preference, sequenceLength: T } = study;
  const pairs = { n: orpo.batch, T: preference.promptTokens + preference.completionTokens - 1, decay, beta: 0.1 };
  const found: Stage[] = [];
  for (const { name: arm, config } of study.arms) {
    const store = new ParameterStore(config),
      of = (stage: Stage["stage"], plan: Plan, kept: Pick<Stage, "precision" | "tensorCores"> = { precision: "f32" }) =>
        found.push({ arm, stage, plan, ...kept });
    of("training", trainingPlan(store, { B, T, decay }).plan);
    if (arm === "hymba") {
      const [bf16, f16] = (["bf16", "f16"] as const).map((precision) =>
        trainingPlan(store, { B, T, decay, precision }).plan
      );
      if (bf16) of("training", bf16, { precision: "bf16" });
      if (f16) of("training", f16, { precision: "f16" });
      if (f16) of("training", f16, { precision: "f16", tensorCores: true });
    }
    of("preference", preferencePlan(store, pairs).plan);
    of("evaluation", evaluationPlan(store, { B, T }).plan);
    const { prompt, decoding } = generationPlans(store);
    of("prompt", prompt);
    of("decoding", decoding);
  }
  return found;
}

/** The plans of generation: a chunk of the prompt, and one step. */
function generationPlans(store: ParameterStore): { prompt: Plan; decoding: Plan } {
  const { B, length, chunk: T } = DECODED, { metaTokens, vocabSize: V } = store.config, positions = metaTokens + length;
  const { caches } = layoutCaches(store.config, { B, S: positions }), { state } = layoutSequences({ B, V });
  return {
    prompt: chunkPlan(store, { B, T, positions, caches }).plan,
    decoding: stepPlan(store, { positions, caches, state }).plan,
  };
}

/** The dispatches of a plan on a class of GPUs. */
export function launchesOf({ plan, precision, tensorCores }: Stage, adapterClass: AdapterClass): Launch[] {
  const f16Products = precision === "f16", matrixUnit = tensorCores ? MATRIX_UNIT : undefined;
  const context = lowerContext(adapterClass, { subgroupSize: SUBGROUP_SIZE, f16Products, matrixUnit });
  return plan.steps.flatMap((step) => entryFor(LOWERINGS, step)(step, context));
}

/** The key of a compilation: the kernel and its constants. */
export function kernelKey(launch: Launch): string {
  const constants = Object.entries(overridesOf(launch)).sort(([a], [b]) => a < b ? -1 : 1);
  return [launch.kernel.name, ...constants.map(([name, value]) => `${name}=${value}`)].join(" ");
}
