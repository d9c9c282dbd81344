/** `hymba architecture`: the diagrams of one model. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { studyOf } from "../../core/config/mod.ts";
import { architectureDocument } from "../../core/report/mod.ts";
import type { Action } from "../ui/run.ts";
import { writeDocument } from "./document.ts";
import { jsonOption } from "./options.ts";

const options = object({
  preset: withDefault(
    option("--preset", string({ metavar: "smoke|quick|small|paper" }), { description: message`paper by default` }),
    "paper",
  ),
  model: withDefault(
    option("--model", string({ metavar: "NAME" }), { description: message`hymba by default` }),
    "hymba",
  ),
  out: optional(
    option("--out", string({ metavar: "FILE" }), { description: message`architecture-MODEL.html by default` }),
  ),
  json: jsonOption,
});

export const architectureCommand = command("architecture", map(options, (given): Action => () => architecture(given)), {
  brief: message`layers, masks, parameters and caches of a model, drawn from its configuration`,
  description:
    message`Writes one self-contained page about the architecture of a model. Example: hymba architecture --model hybrid-sequential --out hybrid.html`,
});

async function architecture({ preset, model, out, json }: InferValue<typeof options>): Promise<void> {
  const [arm] = studyOf(preset, { models: [model] }).arms;
  await writeDocument(out ?? `architecture-${model}.html`, { content: architectureDocument(arm!.config), json });
}
