/** `hymba samples`: the texts that the models of a run generated. */
import { message } from "@optique/core/message";
import { artifactCommand } from "../shared/artifact.ts";

export const samplesCommand = artifactCommand("samples", {
  artifact: "samples",
  brief: message`writes the texts that every model generated`,
  description:
    message`Writes generation_samples.txt from a run. Example: hymba samples results/runs/quick-tinyshakespeare`,
});
