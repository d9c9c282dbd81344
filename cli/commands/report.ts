/** `hymba report`: a run on one page. */
import { message } from "@optique/core/message";
import { artifactCommand } from "../shared/artifact.ts";

export const reportCommand = artifactCommand("report", {
  artifact: "report",
  brief: message`one self-contained page with findings, figures, tables and samples`,
  description:
    message`Writes report.html from a run. The page works without a network. Example: hymba report results/runs/quick-tinyshakespeare`,
});
