/** The published schemas of what commands print with --json: complete, up to date, and followed by real output. */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { commandsByName, innerNames } from "../commands.ts";
import { ERROR, fileOf, FOLDER, SERVED } from "../schema_files.ts";
import { thorough } from "../thorough.ts";
import { pageOf } from "../../cli/parse.ts";
import { hymba, makePlace } from "./command_line.ts";

const ROOT = new URL("../../", import.meta.url), place = await makePlace();

/** The words of every command that has --json. */
async function withJson(): Promise<string[]> {
  const found: string[] = [];
  for (const [name, command] of await commandsByName()) {
    const inner = innerNames(name, command), paths = inner.length > 0 ? inner.map((one) => [name, one]) : [[name]];
    for (const path of paths) {
      if (/--json\b/.test(pageOf(command, path, { all: true, columns: 100, color: false }))) found.push(path.join(" "));
    }
  }
  return found;
}

Deno.test("every command but completions has --json, and each has a schema", async () => {
  const commands = await withJson(), files = [...Deno.readDirSync(new URL(FOLDER, ROOT))].map(({ name }) => name);
  assert.deepEqual(files.toSorted(), ["", ...commands].map(fileOf).concat(ERROR, Object.keys(SERVED)).toSorted());
  const listed = (await Deno.readTextFile(new URL("docs/json.md", ROOT))).matchAll(/\(schemas\/([\w-]+\.json)\)/g);
  assert.deepEqual([...listed].map(([, file = ""]) => file).toSorted(), files.toSorted());
  for (const [name] of await commandsByName()) {
    if (name !== "completions") assert.ok(commands.some((words) => words.split(" ")[0] === name), name);
  }
});

thorough("the committed schemas are those of today's types", async () => {
  const { schemas, schemaText } = await import("../schemas.ts");
  for (const [file, schema] of await schemas()) {
    const committed = await Deno.readTextFile(new URL(`${FOLDER}/${file}`, ROOT));
    assert.equal(committed, schemaText(schema), `${file}: deno run -A --lock=tests/deno.lock tests/schemas.ts`);
  }
});

/** Other tests compare the output of these commands with the schemas. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "array status": "tests/cluster/slurm_test.ts",
  "array heal": "tests/cluster/slurm_test.ts",
  submit: "tests/cluster/slurm_test.ts",
  sweep: "tests/cli/sweep_test.ts",
  blame: "tests/cli/blame_test.ts",
  serve: "tests/cli/serve_test.ts",
  preference: "tests/cli/analyses_test.ts",
  lesion: "tests/cli/analyses_test.ts",
  slices: "tests/cli/analyses_test.ts",
  power: "tests/cli/analyses_test.ts",
  export: "tests/export/command_test.ts",
  "bench step": "tests/bench/bench_test.ts",
  "bench kernels": "tests/bench/bench_test.ts",
  "bench memory": "tests/bench/bench_test.ts",
  "bench decode": "tests/bench/bench_test.ts",
  "bench all": "tests/bench/bench_all_test.ts",
  "tokenizer train": "tests/cli/tokenizer_test.ts",
  "tokenizer encode": "tests/cli/tokenizer_test.ts",
  "tokenizer decode": "tests/cli/tokenizer_test.ts",
  "tokenizer inspect": "tests/cli/tokenizer_test.ts",
};

const CPU = ["--backend", "cpu"], TEXT = ["--data", place.text];
const FIRST = ["--preset", "smoke", ...CPU, ...TEXT, "--steps", "3"], SMALL = [...FIRST, "--orpo-steps", "1"];
const MODELS = ["--models", "mamba,hymba"], OVER = ["--over", "pretraining.rate=1e-3,2e-3"];

/** The command lines of one tiny study and of what is made of it, in an order in which each finds what it needs. */
const LINES: readonly (readonly [words: string, ...rest: string[]])[] = [
  [""],
  ["ablate", ...SMALL, ...MODELS, "--seeds", "2", "--out", "run"],
  ["ablate", ...SMALL, ...MODELS, "--cell", "1", "--out", "cells"],
  ["cells", ...SMALL, ...MODELS],
  ["estimate", ...SMALL, ...MODELS, ...OVER],
  ["merge", "cells", "--out", "merged"],
  ["pretrain", "--model", "mamba", ...FIRST, "--out", "single"],
  ["orpo", "single", ...TEXT],
  ["recall", "--preset", "smoke", ...CPU, "--models", "mamba", "--steps", "2", "--out", "recall"],
  ["evaluate", "run", "--model", "mamba", ...CPU, ...TEXT],
  ["generate", "run", "--model", "mamba", ...CPU, "--prompt", "ba", "--tokens", "3"],
  ["attention", "run"],
  ["attention", "run", "--model", "hymba", "--prompt", "ba be", ...CPU],
  ...["csv", "metrics", "samples", "report", "plot stages", "plot ablation", "plot comparisons", "plot budgets"].map(
    (words): [string, string] => [words, "run"],
  ),
  ["plot recall", "run"],
  ["plot frontier", "run"],
  ["runs", "."],
  ["watch", "run"],
  ["compare", "run", "single"],
  ["verify", "run", ...TEXT, ...CPU],
  ["clean", "run"],
  ["architecture", "--preset", "smoke", "--model", "hymba"],
  ["review"],
  ["init", "--list"],
  ["init", "--out", "study.toml"],
  ["config show", "study.toml"],
  ["config explain"],
  ["config explain", "pretraining.rate"],
  ["causality", "--preset", "smoke", "--models", "mamba", ...CPU],
  ["golden", "golden"],
  ["doctor"],
  ["doctor", "--licences"],
  ["bench peaks", ...CPU],
  ["tune", ...CPU],
  ["import", "nowhere", "--out", "imported"],
];

/** Commands that fail here: tune is only for WebGPU, and there are no golden cases and nothing to import. */
const FAILING = ["golden", "tune", "import"];

thorough("the real --json of every command follows its schema", async () => {
  await Deno.mkdir(join(place.folder, "golden"));
  for (const [words, ...rest] of LINES) {
    const { code, out, error } = await hymba(place, ...words.split(" ").filter(Boolean), ...rest, "--json");
    assert.equal("error" in JSON.parse(out), FAILING.includes(words), `${words} ${rest.join(" ")}: ${code} ${error}`);
  }
  const seen = new Set([...LINES.map(([words]) => words).filter(Boolean), ...Object.keys(ELSEWHERE)]);
  assert.deepEqual([...seen].toSorted(), (await withJson()).toSorted());
  for (const [words, file] of Object.entries(ELSEWHERE)) {
    const text = await Deno.readTextFile(new URL(file, ROOT)), last = words.split(" ").at(-1) ?? "";
    assert.ok(text.includes("--json") && text.includes(last), `${file} does not call ${words} with --json`);
  }
});
