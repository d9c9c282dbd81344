/** `hymba config`: the values of a study with their origins, and the meaning of keys. */
import { merge, object, or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { argument, command } from "@optique/core/primitives";
import { explainAll, explainKey, originInWords, shownValues } from "../../core/study_file/mod.ts";
import type { Action } from "../ui/run.ts";
import { columns, table } from "../ui/table.ts";
import { jsonOption } from "../shared/options.ts";
import { matchOption, modelsOption, profileOption, suiteOption } from "../shared/study.ts";
import {
  flagValues,
  keyOptions,
  presetOption,
  readyStudy,
  seedsOption,
  sourcesOf,
  studyArgument,
} from "../shared/study_sources.ts";
import { requirePoints } from "../shared/swept.ts";
import { keyName } from "../shared/value_parsers.ts";
import { printJson } from "../ui/output.ts";

const showOptions = merge(
  object({
    study: studyArgument,
    preset: presetOption,
    suite: suiteOption,
    models: modelsOption,
    seeds: seedsOption,
    match: matchOption,
    profile: profileOption,
    json: jsonOption,
  }),
  keyOptions,
);

const explainOptions = object({
  key: optional(argument(keyName(), { description: message`a key; by default all keys` })),
  json: jsonOption,
});

const showCommand = command("show", map(showOptions, (given): Action => () => show(given)), {
  brief: message`every value of a study and its origin`,
  description:
    message`Prints every key with its value and the origin of the value: a preset, a line of the file, or a flag. Example: hymba config show study.toml --set pretraining.rate=1e-3`,
});

const explainCommand = command("explain", map(explainOptions, (given): Action => () => explain(given)), {
  brief: message`the meaning and the allowed values of a key`,
  description:
    message`Prints the meaning of a key, its type, its allowed values, its default, and the keys that depend on it. Example: hymba config explain pretraining.rate`,
});

export const configCommand = command("config", or(showCommand, explainCommand), {
  brief: message`the values of a study with their origins, and the meaning of keys`,
  description: message`Shows the values of a study, or explains keys. Example: hymba config show study.toml`,
});

async function show({ study, models, json, ...given }: InferValue<typeof showOptions>): Promise<void> {
  const sources = await sourcesOf(study, flagValues({ ...given, models: models?.split(",") }));
  const { values, study: resolved } = readyStudy(sources);
  requirePoints(sources);
  const originOf = (path: string) => {
    const found = values.get(path);
    return found ? originInWords(found.origin) : "";
  };
  const lines = shownValues({ values }, originOf);
  if (json) return printJson("config show", { values: lines, study: resolved }, { keys: "of files" });
  const rows = lines.map(({ path, value, origin }) => [value === undefined ? path : `${path} = ${value}`, origin]);
  const arms = resolved.arms.map(({ name, config }) => [name, config.archType, String(config.ffnHidden)]);
  console.log(`${columns(rows)}\n\n${table([["arm", "architecture", "ffnHidden"], ...arms])}`);
}

function explain({ key, json }: InferValue<typeof explainOptions>): Promise<void> {
  if (key === undefined) {
    const all = explainAll();
    if (json) printJson("config explain", { keys: all });
    else console.log(columns(all.map((one) => [one.key, one.meaning])));
    return Promise.resolve();
  }
  const found = explainKey(key), { meaning, type, allowed, usual, dependents } = found;
  if (json) printJson("config explain", { ...found });
  else {
    const lines = [`meaning: ${meaning}`, `type:    ${type}`, `allowed: ${allowed}`, `default: ${usual}`];
    const others = dependents.length === 0
      ? ["no other key depends on it"]
      : ["keys that depend on it:", ...columns(dependents.map(({ key, how }) => [`  ${key}`, how])).split("\n")];
    console.log([found.key, ...[...lines, ...others].map((line) => `  ${line}`)].join("\n"));
  }
  return Promise.resolve();
}
