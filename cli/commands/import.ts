/** `hymba import`: a model of another program, for `generate` and the library. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { argument, command, option } from "@optique/core/primitives";
import { systemDisk } from "../../core/disk/mod.ts";
import { importModel, modelFolderFiles, requireNewFolder, writeFolder } from "../../core/export/mod.ts";
import { parameterCount } from "../../core/params/specs.ts";
import { requireModelName } from "../../core/record/mod.ts";
import type { Action } from "../ui/run.ts";
import { jsonOption } from "../shared/options.ts";
import { word } from "../shared/value_parsers.ts";
import { say } from "../ui/say.ts";
import { printJson } from "../ui/output.ts";

const options = object("What to read", {
  folder: argument(word("DIR"), {
    description: message`a folder that hymba export wrote, or a model of Transformers`,
  }),
  out: option("--out", word("DIR"), { description: message`a new or empty folder` }),
  name: optional(
    option("--name", word("NAME"), { description: message`the new name of the model` }),
  ),
  json: jsonOption,
});

export const importCommand = command("import", map(options, (given): Action => () => importFolder(given)), {
  brief: message`a model of PyTorch or Hugging Face for this program`,
  description:
    message`Reads a model that hymba export wrote for PyTorch or Transformers, or another model of a supported kind. Writes a folder that hymba generate, hymba export and the library accept in place of a run. Example: hymba import hymba-pytorch --out imported`,
});

async function importFolder({ folder, out, name, json }: InferValue<typeof options>): Promise<void> {
  if (name !== undefined) requireModelName(name);
  await requireNewFolder(systemDisk, out);
  const { model: found, notes } = await importModel(systemDisk, folder);
  const model = { ...found, name: requireModelName(name ?? found.name) };
  const written = await writeFolder(systemDisk, out, modelFolderFiles(model));
  const { config, source } = model, parameters = parameterCount(config);
  if (json) return printJson("import", { model: model.name, source, parameters, notes, written });
  for (const note of notes) say(`note: ${note}`);
  say(`${model.name}: ${parameters} parameters, ${config.archType}`);
  for (const path of written) console.log(`wrote ${path}`);
}
