/** The committed JSON Schema is that of the table of keys, and says yes and no where the reader does. */
import { strict as assert } from "node:assert";
import fc from "fast-check";
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

const committed = await Deno.readTextFile(new URL("../../studies/study.schema.json", import.meta.url));

Deno.test("studies/study.schema.json is the schema of today's keys", () => {
  assert.equal(committed, schemaText(), "deno run -A core/study_file/schema.ts writes it again");
});

/** What a validator of the published standard says of each text. It runs in a process of its own: its package is not in the lock file. */
async function verdicts(texts: readonly string[]): Promise<boolean[] | string> {
  const script = new URL("validate.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--no-lock", script],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(
    new TextEncoder().encode(JSON.stringify({
      schema: JSON.parse(committed),
      documents: texts.map((text) => parse(text)),
    })),
  );
  await writer.close();
  const { code, stdout, stderr } = await child.output(), decoder = new TextDecoder();
  return code === 0 ? JSON.parse(decoder.decode(stdout)) : decoder.decode(stderr);
}

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
  ];
  return [...PRESETS.map((preset) => studyFileText(preset)), ...valid, ...invalid, ...unknown];
}

Deno.test("the schema and the reader agree on every key, on values that are allowed and on values that are not", async () => {
  const texts = documents(), found = await verdicts(texts);
  if (typeof found === "string") {
    return console.log(`skipped: the validator cannot be had (${found.trim().split("\n").at(-1)})`);
  }
  const read = texts.map((text) => readStudyText(text, { file: "x.toml" }).faults.length === 0);
  for (const [i, text] of texts.entries()) assert.equal(found[i], read[i], text);
  assert.ok(read.some((ok) => ok) && read.some((ok) => !ok));
});
