/** `hymba init`: a study file with every key, to be changed. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { choice, string } from "@optique/core/valueparser";
import { dirname, join } from "node:path";
import { PRESETS } from "../../core/config/mod.ts";
import { makeFolders, systemDisk, writeAtomic } from "../../core/disk/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { presetTitle, schemaText, studyFileText } from "../../core/study_file/mod.ts";
import type { Action } from "../ui/run.ts";
import { columns } from "../ui/table.ts";
import { jsonOption } from "../shared/options.ts";

const options = object({
  preset: withDefault(
    option("--preset", choice([...PRESETS], { metavar: "smoke|quick|small|paper" }), {
      description: message`what the file starts from; quick by default`,
    }),
    "quick" as const,
  ),
  out: withDefault(
    option("--out", string({ metavar: "FILE" }), { description: message`the file to write; study.toml by default` }),
    "study.toml",
  ),
  list: option("--list", { description: message`only list the presets` }),
  json: jsonOption,
});

export const initCommand = command("init", map(options, (given): Action => () => init(given)), {
  brief: message`writes a study file with every key, to be changed`,
  description:
    message`Writes a commented study file with every key, its value in a preset and one line of meaning, and a JSON Schema beside it for editors. Example: hymba init --preset small --out study.toml`,
});

/** The file of the schema, beside a study. */
const SCHEMA = "study.schema.json";

async function init({ preset, out, list, json }: InferValue<typeof options>): Promise<void> {
  if (list) {
    const presets = PRESETS.map((name) => ({ name, title: presetTitle(name) }));
    if (json) console.log(JSON.stringify(presets));
    else console.log(columns(presets.map(({ name, title }) => [name, title])));
    return;
  }
  if (await systemDisk.stat(out)) {
    throw new UsageError(`${out} is there already`, { hint: "name another file with --out, or remove it" });
  }
  const folder = dirname(out), schema = join(folder, SCHEMA);
  await makeFolders(systemDisk, folder);
  await writeAtomic(systemDisk, schema, schemaText());
  await writeAtomic(systemDisk, out, studyFileText(preset));
  if (json) console.log(JSON.stringify({ study: out, schema }));
  else console.log(`wrote ${out}\nwrote ${schema}\nto run it: hymba ablate ${out}`);
}
