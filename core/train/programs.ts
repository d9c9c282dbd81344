/** The stage programs: text batches, and preference pairs. */
import type { ActivationConfig, StageConfig } from "../config/mod.ts";
import type { BatchOrder } from "../data/batches.ts";
import { type Pair, pairsAt, preferenceBatch } from "../data/preference.ts";
import type { ParameterStore } from "../params/store.ts";
import type { Executor } from "../plan/mod.ts";
import { preferencePlan, trainingPlan } from "./plans.ts";
import type { StageProgram } from "./stage.ts";

/** The loss scale where there is one. */
const scaledState = (store: ParameterStore, activations?: ActivationConfig) =>
  activations?.precision === "f16" ? store.lossScale : undefined;

/** The norm of a step's gradient; in f16 also the loss scale, and instead of the norm the mark of an update that was left out. */
function normOf(values: Float32Array, gradientNorm: number, activations?: ActivationConfig) {
  if (activations?.precision !== "f16") return { gradientNorm };
  const lossScale = values.at(-2)!;
  return values.at(-1) === 0 ? { gradientNorm, lossScale } : { lossScale, skipped: 1 };
}

/** Next-token training on the batches of a seed. `scale` multiplies loss and gradient: 1 + beta is the seed's second stage. */
export async function textProgram(
  executor: Executor,
  store: ParameterStore,
  { config, T, order, scale = 1, activations }: {
    config: StageConfig;
    T: number;
    order: BatchOrder;
    scale?: number;
    activations?: ActivationConfig;
  },
): Promise<StageProgram> {
  const made = trainingPlan(store, { ...activations, B: config.batch, T, decay: config.decay, scale });
  const program = await executor.prepare(made.plan);
  return {
    program,
    schedule: made.schedule,
    tokensPerStep: config.batch * T,
    writeBatch(step) {
      const { ids, targets, weight } = order.at(step);
      program.write(made.ids, ids);
      program.write(made.targets, targets);
      program.write(made.weight, weight);
    },
    lossScale: scaledState(store, activations),
    metricsOf: (values) => ({
      loss: values[0]! * scale,
      ...normOf(values, values[1]!, activations),
      ...(scale === 1 ? {} : { nll: values[0]! }),
    }),
  };
}

/** ORPO on preference pairs; beta 0 is the control. */
export async function preferenceProgram(
  executor: Executor,
  store: ParameterStore,
  { config, pairs, beta, seed, activations }: {
    config: StageConfig;
    pairs: readonly Pair[];
    beta: number;
    seed: number;
    activations?: ActivationConfig;
  },
): Promise<StageProgram> {
  const n = config.batch, T = pairs[0]!.prompt.length + pairs[0]!.chosen.length - 1;
  const made = preferencePlan(store, { ...activations, n, T, decay: config.decay, beta });
  const program = await executor.prepare(made.plan);
  return {
    program,
    schedule: made.schedule,
    lossScale: scaledState(store, activations),
    tokensPerStep: 2 * n * T,
    writeBatch(step) {
      const batch = preferenceBatch(pairsAt(pairs, { step, n, seed }));
      program.write(made.ids, batch.ids);
      program.write(made.targets, batch.targets);
      program.write(made.weight, batch.weight);
      program.write(made.completion, batch.completion);
    },
    metricsOf: (values) => {
      const column = (at: number) => Array.from({ length: n }, (_, i) => values[3 + 4 * i + at]!);
      const mean = (numbers: number[]) => numbers.reduce((sum, x) => sum + x, 0) / n;
      const margins = column(0).map((chosen, i) => chosen - column(1)[i]!);
      return {
        loss: values[0]!,
        nll: values[1]!,
        ...normOf(values, values[2]!, activations),
        logOdds: mean(column(2)),
        logSigmoid: mean(column(3)),
        accuracy: mean(margins.map((margin) => margin > 0 ? 1 : 0)),
        margin: mean(margins),
      };
    },
  };
}
