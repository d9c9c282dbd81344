/**
 * Tries each kind of fault that people report of such tools, and prints the table of docs/cases.md. Exit code 1 where one is wrong.
 * `--only WORD`: only kinds whose name has the word. `--write`: puts the table into docs/cases.md.
 *
 *     deno run -A tests/cases/run.ts
 */
import { join } from "node:path";
import { HymbaError } from "../../core/errors.ts";
import { hymba, makePlace } from "../cli/command_line.ts";
import type { Kind, Ready } from "./kinds.ts";
import { STUDIES } from "./studies.ts";
import { TOKENIZERS } from "./tokenizers.ts";

const PAGE = new URL("../../docs/cases.md", import.meta.url), MARK = "<!-- table of tests/cases/run.ts -->";

/** The kinds whose name has a word. */
export const kindsWith = (word = ""): Kind[] => [...TOKENIZERS, ...STUDIES].filter(({ kind }) => kind.includes(word));

async function prepared(): Promise<Ready> {
  const place = await makePlace(), run = join(place.folder, "run");
  const words = ["--model", "mamba", "--preset", "smoke", "--steps", "2", "--backend", "cpu"];
  const { code, error } = await hymba(place, "pretrain", ...words, "--data", place.text, "--out", run);
  if (code !== 0) throw new HymbaError(`the run for the cases was not made: ${error}`);
  return { ...place, run };
}

const cell = (text: string): string =>
  text.replaceAll(/(?<!\\)\|/g, "\\|").replaceAll(
    /[\p{Cc}\p{Cf}]/gu,
    (one) => `U+${one.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

const [first, second] = Deno.args, place = await prepared(), rows: string[] = [];
let wrong = 0;
try {
  for (const { kind, input, right, test, run } of kindsWith(first === "--only" ? second : "")) {
    const got = await run(place).catch((error: unknown) => `no: ${error instanceof Error ? error.message : error}`);
    if (got.startsWith("no: ")) wrong++;
    const places = [kind, input, right, got.replaceAll(place.folder, "FOLDER"), `\`${test}\``].map(cell);
    rows.push(`| ${rows.length + 1} | ${places.join(" | ")} |`);
    console.log(rows.at(-1));
  }
} finally {
  await Deno.remove(place.folder, { recursive: true });
}
console.log(`${rows.length - wrong} of ${rows.length} are right`);
if (first === "--write") {
  const text = await Deno.readTextFile(PAGE),
    head = "| | kind | input | right | what the program does | test |\n|---|---|---|---|---|---|";
  const [before = "", , after = ""] = text.split(MARK);
  await Deno.writeTextFile(PAGE, `${before}${MARK}\n${head}\n${rows.join("\n")}\n${MARK}${after}`);
}
if (wrong > 0) Deno.exitCode = 1;
