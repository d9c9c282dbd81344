/** The JSON Schema of study files, for editors. `deno run -A core/study_file/schema.ts` writes it beside the presets. */
import type { ValueType } from "../config/mod.ts";
import { type Key, nameOf } from "./key.ts";
import { ARM_NAME, SECTIONS } from "./keys.ts";

type Schema = { readonly [name: string]: unknown };

/** The schema of one value. */
function schemaOf(type: ValueType): Schema {
  switch (type.kind) {
    case "whole":
      return { type: "integer", minimum: type.min, maximum: type.max };
    case "number":
      return { type: "number", minimum: type.min, maximum: type.max };
    case "flag":
      return { type: "boolean" };
    case "choice":
      return { type: "string", enum: [...type.choices] };
    case "text":
      return { type: "string", ...(type.pattern === undefined ? {} : { pattern: `^(?:${type.pattern})$` }) };
    case "list":
      return { type: "array", items: schemaOf(type.of), minItems: type.min, maxItems: type.max };
    case "either":
      return { anyOf: type.of.map(schemaOf) };
  }
}

function propertyOf({ type, meaning, usual, follows }: Key): Schema {
  const description = follows ? `${meaning} Without it: ${follows.how}.` : meaning;
  return { ...schemaOf(type), description, ...(usual === undefined ? {} : { default: usual }) };
}

interface Table {
  properties: Record<string, Schema | Table>;
  [name: string]: unknown;
}

const emptyTable = (): Table => ({ type: "object", additionalProperties: false, properties: {} });

/** The title of the schema: by it a program knows a file that it may replace. */
export const SCHEMA_TITLE = "A study of hymba";

/** The schema of a whole study file. */
function studySchema(): Schema {
  const root = emptyTable();
  for (const { path, title, keys } of SECTIONS) {
    let table = root;
    for (const part of path === "" ? [] : path.split(".")) {
      if (part === "*") {
        const names = `^(?:${ARM_NAME})$`, tables = (table.patternProperties ??= {}) as Record<string, Table>;
        table = tables[names] ??= emptyTable();
      } else table = (table.properties[part] ??= emptyTable()) as Table;
    }
    if (path !== "") table.description = title;
    if (path.startsWith("arms.")) table.minProperties = 1;
    for (const key of keys) table.properties[nameOf(key.path)] = propertyOf(key);
  }
  return { $schema: "https://json-schema.org/draft/2020-12/schema", title: SCHEMA_TITLE, ...root };
}

/** The text of presets/study.schema.json. */
export const schemaText = (): string => `${JSON.stringify(studySchema(), undefined, 2)}\n`;

if (import.meta.main) {
  await Deno.writeTextFile(new URL("./presets/study.schema.json", import.meta.url), schemaText());
}
