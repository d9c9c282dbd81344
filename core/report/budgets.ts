/** budgets.csv: the cost of the first stage of every model, and its ratio to the first model. */
import { studyOfArm } from "../config/mod.ts";
import type { Run } from "../record/mod.ts";
import { type Budget, budgetOf } from "../study/budgets.ts";
import { type Cell, csvText } from "./csv.ts";
import { ofStage, summaries } from "./summary.ts";

/** The cost of a model, with the seconds of its training (mean over the seeds). */
export interface Spent extends Budget {
  readonly seconds: number | undefined;
  readonly loss: number | undefined;
}

/** The costs of the models that have results, in the order of the study. */
export const spentOf = (run: Run): Spent[] =>
  summaries(run).map(({ arm, spread }) => ({
    ...budgetOf(run.record.study, arm),
    seconds: spread(ofStage("pretraining", ({ train_s }) => train_s))?.mean,
    loss: spread(ofStage("pretraining", ({ final }) => final.loss))?.mean,
  }));

const AXES = ["parameters", "tokens", "flops", "seconds"] as const;

/** One row for each model: the cost on every axis, and the ratio to the first model. `matched_on` is what the study matched. */
export function budgetsCsv(run: Run): string {
  const { study } = run.record, spent = spentOf(run), [first] = spent;
  const matched = [...(study.match === "parameters" ? ["parameters"] : []), study.budget ?? "tokens"].join(" and ");
  const head = ["model", "steps", ...AXES, ...AXES.map((axis) => `${axis}_ratio`), "final_loss_nats", "matched_on"];
  const ratio = (value: number | undefined, other: number | undefined): Cell =>
    value === undefined || other === undefined ? undefined : value / other;
  const rows = spent.map((one): Cell[] => [
    one.arm,
    one.steps,
    ...AXES.map((axis) => one[axis]),
    ...AXES.map((axis) => ratio(one[axis], first?.[axis])),
    one.loss,
    matched,
  ]);
  return csvText([head, ...rows]);
}

/** Text tokens of an update of the first stage. */
export function tokensPerStep(run: Run, arm: string): number {
  const { pretraining: { batch }, sequenceLength } = studyOfArm(run.record.study, { name: arm });
  return batch * sequenceLength;
}

/** Seconds of training before the end of each step of the first stage, by step: the mean over the seeds. */
export function secondsBySteps(run: Run, arm: string): Map<number, number> {
  const perStep = tokensPerStep(run, arm), sums = new Map<number, { total: number; count: number }>();
  for (const seed of run.record.study.seeds) {
    let seconds = 0;
    for (const line of run.metrics) {
      if (line.kind !== "train" || line.arm !== arm || line.seed !== seed || line.stage !== "pretraining") continue;
      seconds += perStep / (line.tokens_per_s ?? NaN);
      const { total = 0, count = 0 } = sums.get(line.step) ?? {};
      sums.set(line.step, { total: total + seconds, count: count + 1 });
    }
  }
  return new Map([...sums].map(([step, { total, count }]) => [step, total / count]));
}
