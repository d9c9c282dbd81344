/** The objective of a training: a recorded plan, the data of each update, and names for its metrics. */
import type { Batch } from "../data/batches.ts";
import { type Pair, pairsAt, preferenceBatch } from "../data/preference.ts";
import { mean } from "../lists.ts";
import type { Data, Program } from "../plan/mod.ts";
import type { MetricsLine } from "../record/mod.ts";
import type { Tensor } from "../tensor/mod.ts";
import type { PreferencePlan, TrainingPlan, UpdatePlan } from "./plans.ts";
import { scheduleVector } from "./schedule.ts";

/** The measurements of one update, with the names of the metrics log. */
export type Measures =
  & Pick<
    MetricsLine,
    "gradientNorm" | "lossScale" | "skipped" | "nll" | "logSigmoid" | "logOdds" | "accuracy" | "margin"
  >
  & { readonly loss: number };

export interface Objective {
  readonly made: UpdatePlan;
  /** The inputs of a batch; the first is 1. An update has one batch, or with accumulation several. */
  inputs(batch: number): Iterable<readonly [input: Tensor, data: Data]>;
  /** Gives names to the metrics of one run. */
  measures(values: Float32Array): Measures;
}

/** Writes the tokens of a batch. */
export function feedBatch(program: Program, { inputs }: Pick<Objective, "inputs">, batch: number): void {
  for (const [input, data] of inputs(batch)) program.write(input, data);
}

/** Writes all inputs of an update of one batch. */
export function feed(
  program: Program,
  { made, inputs }: Pick<Objective, "made" | "inputs">,
  { step, rate }: { step: number; rate: number },
): void {
  feedBatch(program, { inputs }, step);
  feedSchedule(program, made, { step, rate });
}

/** Writes the inputs of the optimizer for an update. */
export function feedSchedule(
  program: Program,
  made: Pick<UpdatePlan, "schedule" | "scaledSchedules" | "optimizer">,
  { step, rate }: { step: number; rate: number },
): void {
  program.write(made.schedule, scheduleVector(step, { ...made.optimizer, rate }));
  for (const { schedule, factor } of made.scaledSchedules) {
    program.write(schedule, scheduleVector(step, { ...made.optimizer, rate: rate * factor }));
  }
}

/** The norm of the gradient. In f16 also the loss scale; a skipped update has a mark instead of the norm. */
function normOf({ lossScale: scaled }: UpdatePlan, values: Float32Array, gradientNorm: number) {
  if (!scaled) return { gradientNorm };
  const [lossScale = NaN, skipped = NaN] = values.subarray(-2);
  return skipped === 0 ? { gradientNorm, lossScale } : { lossScale, skipped: 1 };
}

/** Next-token training on batches, such as a BatchOrder. */
export const textObjective = (made: TrainingPlan, batches: { at(step: number): Batch }): Objective => ({
  made,
  inputs(step) {
    const { ids, targets, weight } = batches.at(step);
    return [[made.ids, ids], [made.targets, targets], [made.weight, weight]];
  },
  measures(values) {
    const [nll = NaN, norm = NaN] = values;
    const measured = { loss: nll * made.scale, ...normOf(made, values, norm) };
    return made.scale === 1 ? measured : { ...measured, nll };
  },
});

/** ORPO on pairs that a seed draws for each update. */
export const preferenceObjective = (
  made: PreferencePlan,
  { pairs, seed }: { pairs: readonly Pair[]; seed: number },
): Objective => ({
  made,
  inputs(batch) {
    // The parts of an update are the pairs of the whole batch in their order.
    const count = made.accumulation?.count ?? 1, size = made.n / count, part = (batch - 1) % count;
    const all = pairsAt(pairs, { step: Math.ceil(batch / count), n: made.n, seed });
    const { ids, targets, weight, completion } = preferenceBatch(all.slice(part * size, (part + 1) * size));
    return [[made.ids, ids], [made.targets, targets], [made.weight, weight], [made.completion, completion]];
  },
  measures(values) {
    const [loss = NaN, nll = NaN, norm = NaN] = values;
    const rows = Array.from({ length: made.n }, (_, i) => {
      const [chosen = NaN, rejected = NaN, logOdds = NaN, logSigmoid = NaN] = values.subarray(3 + 4 * i, 7 + 4 * i);
      return { margin: chosen - rejected, logOdds, logSigmoid };
    });
    const average = (of: (row: typeof rows[number]) => number) => mean(rows.map(of));
    return {
      loss,
      nll,
      ...normOf(made, values, norm),
      logOdds: average(({ logOdds }) => logOdds),
      logSigmoid: average(({ logSigmoid }) => logSigmoid),
      accuracy: average(({ margin }) => margin > 0 ? 1 : 0),
      margin: average(({ margin }) => margin),
    };
  },
});
