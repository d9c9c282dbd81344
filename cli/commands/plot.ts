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
        message`Draws ablation_results.png: perplexity with both baselines, inference speed, parameters, key–value cache reduction and the time of the first stage. Example: hymba plot ablation results/runs/quick-tinyshakespeare`,
    }),
    artifactCommand("budgets", {
      artifact: "budgets",
      brief: message`loss against tokens, floating-point operations and seconds`,
      description:
        message`Draws budgets.png: the validation loss of every model in the first stage against text tokens, floating-point operations and seconds at the measured speed. Example: hymba plot budgets results/runs/quick-tinyshakespeare`,
    }),
    artifactCommand("comparisons", {
      artifact: "intervals",
      brief: message`differences between models with their 95 % intervals`,
      description:
        message`Draws comparisons.png: the difference of every model's loss from the best one with its interval, and in a factorial suite the effect of each factor. Example: hymba plot comparisons results/runs/quick-tinyshakespeare`,
    }),
    artifactCommand("frontier", {
      artifact: "frontier",
      brief: message`loss and recall against cache, arithmetic and time`,
      description:
        message`Draws frontier.png: loss and recall of every model of a run against the bytes of its cache, its arithmetic and its time. Example: hymba plot frontier results/runs/frontier`,
    }),
    artifactCommand("recall", {
      artifact: "recall",
      brief: message`associative recall by distance`,
      description:
        message`Draws recall.png from the recall probe of a run: the share of right answers of every model by distance. Example: hymba plot recall results/runs/quick-tinyshakespeare`,
    }),
    artifactCommand("stages", {
      artifact: "stages",
      brief: message`both stages of training, step by step`,
      description:
        message`Draws training_stages_comparison.png: perplexity before and after the second stage, curves of both stages, learning rate, the parts of the ORPO loss, held-out preference. Example: hymba plot stages results/runs/quick-tinyshakespeare`,
    }),
  ),
  {
    brief: message`draws a chart from a finished run`,
    description: message`Draws one chart from a run without training again. Example: hymba plot stages`,
  },
);
