/** A table of the cost of each model's first stage, relative to the first model. */
import type { StudyConfig } from "../../core/config/mod.ts";
import { at } from "../../core/lists.ts";
import { short } from "../../core/report/format.ts";
import type { Environment } from "../../core/study/preparation.ts";
import { type Budget, budgetOf } from "../../core/study/budgets.ts";
import { duration } from "./progress.ts";
import { table } from "./table.ts";

/** `times`: the time of an update by arm, if it was measured. */
export function budgetTable(
  study: StudyConfig,
  times: Pick<Environment, "updateSeconds" | "updateRatios"> = {},
): string {
  const { updateSeconds: seconds = {}, updateRatios: ratios = {} } = times;
  const budgets = study.arms.map((arm) => budgetOf(study, arm)), first = at(budgets, 0);
  const timeOf = ({ arm, steps }: Budget) => steps * (seconds[arm] ?? NaN);
  const against = (value: number, other: number) => `${short(value)} (${(value / other).toFixed(2)}x)`;
  const timed = Object.keys(seconds).length > 0;
  // The interval of the time of an update is that of the whole training, because its number of updates is known.
  const timeInWords = (budget: Budget) => {
    const share = timeOf(budget) / timeOf(first), { steps } = budget, own = ratios[budget.arm];
    const ends = own?.map((ratio) => (ratio * steps / first.steps).toFixed(2)).join(" to ");
    return `${duration(timeOf(budget))} (${share.toFixed(2)}x${ends && budget !== first ? `, ${ends}` : ""})`;
  };
  const rows = budgets.map((budget) => [
    budget.arm,
    ...(["parameters", "tokens", "flops"] as const).map((axis) => against(budget[axis], first[axis])),
    ...(timed ? [timeInWords(budget)] : []),
    String(budget.steps),
  ]);
  const head = ["first stage", "parameters", "tokens", "flops", ...(timed ? ["time, measured"] : []), "steps"];
  return table([head, ...rows]);
}
