/** `hymba csv`: the table of a study, from a run. */
import { message } from "@optique/core/message";
import { artifactCommand } from "./artifact.ts";

export const csvCommand = artifactCommand("csv", {
  artifact: "csv",
  brief: message`writes the table of results as CSV`,
  description:
    message`Writes ablation_results.csv from a run: one row a model and seed, then the baselines. Example: hymba csv results/runs/quick-tinyshakespeare`,
});
