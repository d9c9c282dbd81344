/** budgets.csv: the cost of the first stage of every model, and its ratio to the first model. */
import type { Run } from "../record/mod.ts";
import { type Budget, budgetOf } from "../study/budgets.ts";
import { type Cell, csvText } from "./csv.ts";
import { NOT_MEASURABLE, trainingTime } from "./speeds.ts";
import { ofStage, type Spread, summaries } from "./summary.ts";

/** The cost of a model, with the seconds of its training at the measured speed. */
export interface Spent extends Budget {
  readonly seconds: Spread | undefined;
  readonly loss: number | undefined;
}

/** The costs of the models that have results, in the order of the study. */
export const spentOf = (run: Run): Spent[] =>
  summaries(run).map(({ arm, spread }) => ({
    ...budgetOf(run.record.study, arm),
    seconds: trainingTime(run, arm.name),
    loss: spread(ofStage("pretraining", ({ final }) => final.loss))?.mean,
  }));

const AXES = ["parameters", "tokens", "flops", "seconds"] as const;

/** A cost on an axis; undefined if it is not measurable. */
const costOn = (axis: typeof AXES[number], one: Spent): number | undefined =>
  axis === "seconds" ? one.seconds?.mean : one[axis];

/** One row for each model: the cost on every axis, and the ratio to the first model. `matched_on` is what the study matched. */
export function budgetsCsv(run: Run): string {
  const { study } = run.record, spent = spentOf(run), [first] = spent;
  const matched = [...(study.match === "parameters" ? ["parameters"] : []), study.budget ?? "tokens"].join(" and ");
  const head = [
    ...["model", "steps", ...AXES, "seconds_low", "seconds_high"],
    ...[...AXES.map((axis) => `${axis}_ratio`), "final_loss_nats", "matched_on"],
  ];
  const missing = run.speeds && NOT_MEASURABLE;
  const rows = spent.map((one): Cell[] => [
    one.arm,
    one.steps,
    ...AXES.map((axis) => costOn(axis, one) ?? missing),
    one.seconds?.low,
    one.seconds?.high,
    ...AXES.map((axis) => {
      const [value, other] = [costOn(axis, one), first && costOn(axis, first)];
      return value === undefined || other === undefined ? missing : value / other;
    }),
    one.loss,
    matched,
  ]);
  return csvText([head, ...rows]);
}
