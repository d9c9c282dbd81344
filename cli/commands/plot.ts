/** `hymba plot`: the charts of a study, from a run. */
import { or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { command } from "@optique/core/primitives";
import { artifactCommand } from "../shared/artifact.ts";

export const plotCommand = command(
  "plot",
  or(
    artifactCommand("ablation", {
      artifact: "ablation",
      brief: message`perplexity, speed, parameters, cache and time of every model`,
      description:
        message`Draws ablation_results.png: perplexity with both baselines, inference speed, parameters, key–value cache reduction and training time. Example: hymba plot ablation results/runs/quick-tinyshakespeare`,
    }),
    artifactCommand("comparisons", {
      artifact: "intervals",
      brief: message`differences between models with their 95 % intervals`,
      description:
        message`Draws comparisons.png: every model's loss above that of the best with its interval, and the effect of each factor of a factorial. Example: hymba plot comparisons results/runs/quick-tinyshakespeare`,
    }),
    artifactCommand("recall", {
      artifact: "recall",
      brief: message`associative recall by distance`,
      description:
        message`Draws recall.png from the probe that a study made: right answers of every model by the distance between question and pair. Example: hymba plot recall results/runs/quick-tinyshakespeare`,
    }),
    artifactCommand("stages", {
      artifact: "stages",
      brief: message`both stages of training, before, after and in between`,
      description:
        message`Draws training_stages_comparison.png: before and after, curves of both stages, learning rate, the parts of the ORPO loss, held-out preference. Example: hymba plot stages results/runs/quick-tinyshakespeare`,
    }),
  ),
  {
    brief: message`draws a chart from a finished run`,
    description: message`Draws one chart from a run without training again. Example: hymba plot stages`,
  },
);
