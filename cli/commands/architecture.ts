/** `hymba architecture`: the diagrams of one model. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import type { Arm } from "../../core/config/mod.ts";
import { extname } from "node:path";
import { UsageError } from "../../core/errors.ts";
import { at } from "../../core/lists.ts";
import {
  architectureDocument,
  architecturePng,
  architectureSvg,
  overviewDocument,
  overviewPng,
  overviewSvg,
} from "../../core/report/mod.ts";
import type { Action } from "../ui/run.ts";
import { writeDocument } from "../shared/document.ts";
import { jsonOption } from "../shared/options.ts";
import { modelsOption, profileOption } from "../shared/study.ts";
import { armsOf, setOption, studyArgument } from "../shared/study_sources.ts";
import { modelName, word } from "../shared/value_parsers.ts";

const options = object({
  study: studyArgument,
  preset: optional(
    option("--preset", word("smoke|quick|small|paper"), {
      description: message`paper by default; with a study file the one that it names`,
    }),
  ),
  model: optional(
    option("--model", modelName(), {
      description: message`one model in detail, instead of all side by side`,
    }),
  ),
  models: modelsOption,
  profile: profileOption,
  set: setOption,
  out: optional(
    option("--out", word("FILE"), {
      description:
        message`a page (.html) or one sheet (.svg, .png); by default architecture.html, or architecture-MODEL.html`,
    }),
  ),
  json: jsonOption,
});

export const architectureCommand = command("architecture", map(options, (given): Action => () => architecture(given)), {
  brief: message`layers, masks, parameters and caches of models, drawn from their configurations`,
  description:
    message`Writes one self-contained page, or one sheet as SVG or PNG: the models of a preset or of a study file side by side, or with --model one of them in detail. Example: hymba architecture --preset quick --out models.png`,
});

/** How each format is made, by the extension of the file: of one model in detail, and of several. */
const FORMATS: Record<string, { one: Make<Arm>; several: Make<readonly Arm[]> }> = {
  ".html": { one: ({ config }) => architectureDocument(config), several: overviewDocument },
  ".svg": { one: ({ name, config }) => architectureSvg(name, config), several: overviewSvg },
  ".png": { one: ({ name, config }) => architecturePng(name, config), several: overviewPng },
};

type Make<T> = (of: T) => Promise<Uint8Array> | string;

async function architecture({ model, models, out, json, ...given }: InferValue<typeof options>): Promise<void> {
  if (model !== undefined && models !== undefined) {
    throw new UsageError("--model and --models contradict each other", { expected: "one of them" });
  }
  const wanted = model === undefined ? models?.split(",") : [model];
  const path = out ?? (model === undefined ? "architecture.html" : `architecture-${model}.html`);
  const make = FORMATS[extname(path).toLowerCase()];
  if (make === undefined) {
    throw new UsageError(`--out ${path} has an unknown format`, { expected: Object.keys(FORMATS).join(", ") });
  }
  const arms = await armsOf({ ...given, models: wanted }, "paper");
  const content = await (model === undefined ? make.several(arms) : make.one(at(arms, 0)));
  await writeDocument(path, { content, json });
}
