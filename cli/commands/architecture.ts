/** `hymba architecture`: the diagrams of one model. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import type { HymbaConfig } from "../../core/config/mod.ts";
import { extname } from "node:path";
import { UsageError } from "../../core/errors.ts";
import { at } from "../../core/lists.ts";
import { architectureDocument, architecturePng, architectureSvg } from "../../core/report/mod.ts";
import type { Action } from "../ui/run.ts";
import { writeDocument } from "../shared/document.ts";
import { jsonOption } from "../shared/options.ts";
import { profileOption } from "../shared/study.ts";
import { armsOf, setOption, studyArgument } from "../shared/study_sources.ts";
import { modelName, word } from "../shared/values.ts";

const options = object({
  study: studyArgument,
  preset: optional(
    option("--preset", word("smoke|quick|small|paper"), {
      description: message`paper by default; with a study file the one that it names`,
    }),
  ),
  model: optional(
    option("--model", modelName(), {
      description: message`hymba by default, or hybrid-paper of --profile seed`,
    }),
  ),
  profile: profileOption,
  set: setOption,
  out: optional(
    option("--out", word("FILE"), {
      description: message`a page (.html) or one sheet (.svg, .png); architecture-MODEL.html by default`,
    }),
  ),
  json: jsonOption,
});

export const architectureCommand = command("architecture", map(options, (given): Action => () => architecture(given)), {
  brief: message`layers, masks, parameters and caches of a model, drawn from its configuration`,
  description:
    message`Writes one self-contained page about the architecture of a model, or one sheet as SVG or PNG. The model is one of a preset or of a study file. Example: hymba architecture --model hybrid-sequential --out hybrid.svg`,
});

/** How each format is made, by the extension of the file. */
const FORMATS: Record<string, (name: string, config: HymbaConfig) => Promise<Uint8Array> | string> = {
  ".html": (_, config) => architectureDocument(config),
  ".svg": architectureSvg,
  ".png": architecturePng,
};

async function architecture({ model, out, json, ...given }: InferValue<typeof options>): Promise<void> {
  const models = [model ?? (given.profile ? "hybrid-paper" : "hymba")];
  const { name, config } = at(await armsOf({ ...given, models }, "paper"), 0),
    path = out ?? `architecture-${name}.html`;
  const make = FORMATS[extname(path).toLowerCase()];
  if (make === undefined) {
    throw new UsageError(`--out ${path} has an unknown format`, { expected: Object.keys(FORMATS).join(", ") });
  }
  await writeDocument(path, { content: await make(name, config), json });
}
