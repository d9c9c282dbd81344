/** Every command works with the permissions that docs/permissions.md lists for it, and fails without them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { at } from "../../core/lists.ts";
import { hymba, makePlace } from "./command_line.ts";
import { thorough } from "../thorough.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url)), MAIN = join(ROOT, "cli", "main.ts");
const place = await makePlace(), run = join(place.folder, "run");

/** The rows of its table: the commands of a row, and its flags. RUN, FILE and PROGRAM stand for paths. */
async function rows(): Promise<{ commands: string[]; flags: string[] }[]> {
  const text = await Deno.readTextFile(join(ROOT, "docs", "permissions.md"));
  const table = text.split("\n").filter((line) => line.startsWith("| `"));
  return table.slice(0, 16).map((line) => {
    const [commands = "", flags = ""] = line.split("|").slice(1);
    return {
      commands: [...commands.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
      flags: flags.match(/--[\w=,.-]+/g) ?? [],
    };
  });
}

const CACHE = join(place.folder, "cache"), MODEL = join(run, "tokenizer.model");
const TRAINING = ["--preset", "smoke", "--steps", "2", "--backend", "cpu", "--data", place.text];

const FIRST_STAGE = ["--preset", "smoke", "--steps", "2", "--backend", "cpu", "--data", place.text];
const RATE = ["--over", "pretraining.rate=1e-3,2e-3"];
const PLAIN = ["--set", "arms.plain.from=hymba", "--set", "arms.plain.innerNorms=false"];

/** A quick use of each command. */
const USES: Readonly<Record<string, readonly string[]>> = {
  csv: [run],
  metrics: [run],
  samples: [run],
  architecture: ["--out", join(run, "architecture.html")],
  export: [run, "--format", "pytorch", "--out", join(run, "exported")],
  import: [join(run, "exported"), "--out", join(run, "imported")],
  review: ["--out", join(run, "review.html")],
  "tokenizer train": ["--input", place.text, "--vocab-size", "300", "--out", join(run, "trained")],
  "tokenizer encode": ["--model", MODEL],
  evaluate: [run, "--backend", "cpu", "--data", place.text],
  generate: [run, "--backend", "cpu"],
  "plot ablation": [run],
  report: [run],
  verify: [run, "--backend", "cpu", "--data", place.text],
  serve: [run, "--export", join(run, "page")],
  sweep: [...FIRST_STAGE, "--models", "mamba", ...RATE, "--seeds", "1", "--extend", "0", "--out", join(run, "swept")],
  blame: ["hymba", "plain", ...FIRST_STAGE, ...PLAIN, "--seeds", "2", "--out", join(run, "blamed")],
  pretrain: ["--model", "mamba", ...TRAINING, "--out", join(run, "one")],
};

const placed = (flag: string) => {
  const [name, value] = flag.split("=");
  if (value === undefined) return flag;
  const paths = { RUN: run, FILE: place.text, PROGRAM: ROOT, CACHE };
  return `${name}=${value.split(",").map((word) => paths[word as keyof typeof paths] ?? word).join(",")}`;
};

async function end(flags: readonly string[], words: readonly string[]): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", ...flags, MAIN, ...words],
    cwd: place.folder,
    env: place.environment,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

thorough("permissions: each command works with those of its row and fails with a message without them", async () => {
  const made = await hymba(place, "pretrain", "--model", "hymba", ...TRAINING, "--out", run);
  assert.equal(made.code, 0, made.error);
  const table = await rows(), listed = table.flatMap(({ commands }) => commands);
  for (const command of Object.keys(USES)) {
    assert.ok(listed.includes(command), `${command} is not in docs/permissions.md`);
  }
  for (const { commands, flags } of table) {
    const uses = commands.flatMap((command) => {
      const use = USES[command];
      return use ? [[...command.split(" "), ...use]] : [];
    });
    for (const words of uses) {
      const full = await end(flags.map(placed), words);
      assert.equal(full.code, 0, `${words.join(" ")} with ${flags.join(" ")}: ${full.text}`);
    }
    const words = at(uses, 0), less = await end([], words), call = words.join(" ");
    assert.ok(less.code === 1 || less.code === 2, call);
    assert.match(less.text, /not given the permission|not permitted|Requires \w+ access/, `${call}: ${less.text}`);
    assert.doesNotMatch(less.text, /internal error/);
  }
});
