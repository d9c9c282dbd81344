/** `hymba init`: writes a study file with every key, ready to edit. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { choice } from "@optique/core/valueparser";
import { dirname, join, resolve } from "node:path";
import { PRESETS } from "../../core/config/mod.ts";
import { makeFolders, readText, systemDisk, writeAtomic } from "../../core/disk/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { presetTitle, SCHEMA_TITLE, schemaText, studyFileText } from "../../core/study_file/mod.ts";
import type { Action } from "../ui/run.ts";
import { columns } from "../ui/table.ts";
import { jsonOption } from "../shared/options.ts";
import { word } from "../shared/value_parsers.ts";
import { printJson } from "../ui/output.ts";

const options = object({
  preset: withDefault(
    option("--preset", choice([...PRESETS], { metavar: "smoke|quick|small|paper|quick-software" }), {
      description: message`the preset whose values the file has; quick by default`,
    }),
    "quick" as const,
  ),
  out: withDefault(
    option("--out", word("FILE"), { description: message`the file to write; study.toml by default` }),
    "study.toml",
  ),
  list: option("--list", { description: message`only list the presets` }),
  json: jsonOption,
});

export const initCommand = command("init", map(options, (given): Action => () => init(given)), {
  brief: message`writes a study file with every key, ready to edit`,
  description:
    message`Writes a study file with every key, its value in a preset and a comment with its meaning. Also writes a JSON Schema for editors into the same folder. Example: hymba init --preset small --out study.toml`,
});

/** The name of the schema file. It is in the folder of the study file. */
const SCHEMA = "study.schema.json";

/** Whether a text is a schema that some version of the program wrote. */
const isSchema = (text: string): boolean => text.includes(`"title": ${JSON.stringify(SCHEMA_TITLE)}`);

async function init({ preset, out, list, json }: InferValue<typeof options>): Promise<void> {
  if (list) {
    const presets = PRESETS.map((name) => ({ name, title: presetTitle(name) }));
    if (json) printJson("init", { presets });
    else console.log(columns(presets.map(({ name, title }) => [name, title])));
    return;
  }
  if (await systemDisk.stat(out)) {
    throw new UsageError(`${out} exists already`, { hint: "choose another file with --out, or remove it" });
  }
  const folder = dirname(out), schema = join(folder, SCHEMA);
  if (resolve(out) === resolve(schema)) {
    throw new UsageError(`${out} is the name of the schema`, { hint: "choose another file with --out" });
  }
  if (await systemDisk.stat(schema) && !isSchema(await readText(systemDisk, schema))) {
    throw new UsageError(`${schema} exists already and is not a schema of hymba`, {
      hint: "choose another folder with --out, or remove it",
    });
  }
  await makeFolders(systemDisk, folder);
  await writeAtomic(systemDisk, schema, schemaText());
  await writeAtomic(systemDisk, out, studyFileText(preset));
  if (json) printJson("init", { written: [out, schema] });
  else console.log(`wrote ${out}\nwrote ${schema}\nto run it: hymba ablate ${out}`);
}
