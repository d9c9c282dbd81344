/** `hymba attention`: the attention maps of the parallel hybrid, from a run. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import { command, option } from "@optique/core/primitives";
import { choice } from "@optique/core/valueparser";
import type { ArtifactName } from "../../core/report/mod.ts";
import type { Action } from "../ui/run.ts";
import { outOption, writeNamed } from "../shared/artifact.ts";
import { jsonOption } from "../shared/options.ts";
import { runArgument } from "../shared/run_argument.ts";

const NAMES: Record<"pretraining" | "orpo", ArtifactName> = {
  pretraining: "attentionPretraining",
  orpo: "attentionOrpo",
};

const options = object({
  run: runArgument,
  stage: optional(
    option("--stage", choice(["pretraining", "orpo"]), {
      description: message`only after this stage; by default both`,
    }),
  ),
  out: outOption,
  json: jsonOption,
});

export const attentionCommand = command(
  "attention",
  map(options, ({ stage, ...given }): Action => () => writeNamed(stage ? [NAMES[stage]] : Object.values(NAMES), given)),
  {
    brief: message`draws the attention maps of hymba`,
    description:
      message`Draws hymba_attention_pretraining.png and hymba_attention_orpo.png from a run. Each has five layers, with the meta tokens marked. Example: hymba attention results/runs/quick-tinyshakespeare --stage orpo`,
  },
);
