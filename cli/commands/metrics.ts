/** `hymba metrics`: all numbers and findings of a run. */
import { message } from "@optique/core/message";
import { artifactCommand } from "../shared/artifact.ts";

export const metricsCommand = artifactCommand("metrics", {
  artifact: "metrics",
  brief: message`writes all numbers with units, and the findings in words`,
  description:
    message`Writes detailed_metrics.txt from a run. Example: hymba metrics results/runs/quick-tinyshakespeare`,
});
