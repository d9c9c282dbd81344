/** A table of the cost of each model's first stage, relative to the first model. */
import type { StudyConfig } from "../../core/config/mod.ts";
import { at } from "../../core/lists.ts";
import { short } from "../../core/report/format.ts";
import { type Budget, budgetOf } from "../../core/study/budgets.ts";
import { duration } from "./progress.ts";
import { table } from "./table.ts";

/** `seconds`: the time of an update by arm, if it was measured. */
export function budgetTable(study: StudyConfig, seconds: Readonly<Record<string, number>> = {}): string {
  const budgets = study.arms.map((arm) => budgetOf(study, arm)), first = at(budgets, 0);
  const timeOf = ({ arm, steps }: Budget) => steps * (seconds[arm] ?? NaN);
  const against = (value: number, other: number) => `${short(value)} (${(value / other).toFixed(2)}x)`;
  const timed = Object.keys(seconds).length > 0;
  const rows = budgets.map((budget) => [
    budget.arm,
    ...(["parameters", "tokens", "flops"] as const).map((axis) => against(budget[axis], first[axis])),
    ...(timed ? [`${duration(timeOf(budget))} (${(timeOf(budget) / timeOf(first)).toFixed(2)}x)`] : []),
    String(budget.steps),
  ]);
  const head = ["first stage", "parameters", "tokens", "flops", ...(timed ? ["time, measured"] : []), "steps"];
  return table([head, ...rows]);
}
