/** `hymba csv`: the tables of a study, from a run. */
import { message } from "@optique/core/message";
import { artifactCommand } from "../shared/artifact.ts";

export const csvCommand = artifactCommand("csv", {
  artifact: "csv",
  others: ["comparisons", "preference", "recallCsv", "budgetsCsv", "equalCosts"],
  brief: message`writes the tables of results as CSV`,
  description:
    message`Writes ablation_results.csv from a run: one row per model and seed, then the baselines. Also writes comparisons.csv (differences between models with their intervals), preference.csv, budgets.csv (what every model cost), if the run has a recall probe recall.csv, and with shorter trainings equal_costs.csv. Example: hymba csv results/runs/quick-tinyshakespeare`,
});
