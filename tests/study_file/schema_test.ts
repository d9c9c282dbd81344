/** The committed JSON Schema is that of the table of keys, and says yes and no where the reader does. */
import { strict as assert } from "node:assert";
import { Ajv2020, fc } from "../packages.ts";
import {
  type Key,
  KEYS,
  nameOf,
  readStudyText,
  schemaText,
  studyFileText,
  tableOf,
} from "../../core/study_file/mod.ts";
import { inToml } from "../../core/study_file/mod.ts";
import { parse } from "smol-toml";
import { PRESETS, type Value } from "../../core/config/mod.ts";
import { strange, valueOf } from "./values.ts";

const committed = await Deno.readTextFile(new URL("../../core/study_file/presets/study.schema.json", import.meta.url));

Deno.test("the committed study.schema.json is the schema of today's keys", () => {
  assert.equal(committed, schemaText(), "deno run -A core/study_file/schema.ts writes it again");
});

function documents(): string[] {
  const paths = KEYS.filter(({ path }) => path !== "preset");
  const one = (key: Key, value: Value) => {
    const path = key.path.replace("*", "own-arm");
    return `${tableOf(path) ? `[${tableOf(path)}]\n` : ""}${nameOf(path)} = ${inToml(value)}\n`;
  };
  const valid = paths.flatMap((key) =>
    fc.sample(valueOf(key.type), { numRuns: 3, seed: 7 }).map((value) => one(key, value))
  );
  const invalid = paths.flatMap((key) => fc.sample(strange, { numRuns: 3, seed: 8 }).map((value) => one(key, value)));
  const unknown = [
    "nothing = 1\n",
    "[model]\nwidth = 3\n",
    '[arms.UPPER]\nfrom = "hymba"\n',
    "[model.dModel]\nx = 1\n",
    "pretraining = 3\n",
    "[arms.x]\n",
    "[arms.x.pretraining]\n",
    '"model.dModel" = 64\n',
  ];
  return [...PRESETS.map((preset) => studyFileText(preset)), ...valid, ...invalid, ...unknown];
}

Deno.test("the schema and the reader agree on every key, on values that are allowed and on values that are not", () => {
  const validate = new Ajv2020({ strict: false }).compile(JSON.parse(committed)), texts = documents();
  const read = texts.map((text) => readStudyText(text, { file: "x.toml" }).faults.length === 0);
  for (const [i, text] of texts.entries()) assert.equal(validate(parse(text)), read[i], text);
  assert.ok(read.some((ok) => ok) && read.some((ok) => !ok));
});
