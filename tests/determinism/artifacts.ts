/**
 * Checks that tokenizer and artifacts have identical bytes under all conditions: `deno run -A tests/determinism/artifacts.ts
 * [--repeats 3]`. Trains a tokenizer and makes every artifact of the committed run in new processes: repeatedly, in another folder,
 * locale and time zone. Prints a row of the table of docs/reliability.md for each condition. Exits with 1 when a byte differs.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { sha256 } from "../../core/disk/mod.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const { repeats } = parseArgs({ args: Deno.args, options: { repeats: { type: "string", default: "3" } } }).values;

/** Environments that must not change a byte. */
const CONDITIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "fresh process": {},
  "locale tr_TR": { LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" },
  "locale de_DE": { LANG: "de_DE.UTF-8", LC_ALL: "de_DE.UTF-8" },
  "time zone +14": { TZ: "Pacific/Kiritimati" },
  "time zone -11": { TZ: "Pacific/Niue" },
};

async function hymba(words: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
  const args = ["run", "-A", "--no-check", join(ROOT, "cli", "main.ts"), ...words];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, env, stdout: "null", stderr: "piped" })
    .output();
  if (!success) throw new Error(`${words.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

/** SHA-256 by name of all results, which are made in a new folder. */
async function made(env: Readonly<Record<string, string>>, text: string): Promise<Map<string, string>> {
  const folder = await Deno.makeTempDir(), run = join(folder, "run");
  try {
    await Deno.mkdir(run);
    for (const name of ["run.json", "metrics.jsonl"]) {
      await Deno.copyFile(join(ROOT, "results/quick", name), join(run, name));
    }
    for (const words of [["csv"], ["metrics"], ["samples"], ["plot", "stages"], ["plot", "ablation"], ["report"]]) {
      await hymba([...words, run], env);
    }
    await hymba(["architecture", "--out", join(run, "architecture.html")], env);
    await hymba(["review", "--out", join(run, "review.html")], env);
    await hymba(["tokenizer", "train", "--input", text, "--vocab-size", "400", "--out", join(run, "tokenizer")], env);
    const hashes = new Map<string, string>();
    for (const { name } of Deno.readDirSync(run)) hashes.set(name, sha256(await Deno.readFile(join(run, name))));
    return hashes;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const text = join(ROOT, "docs", "decisions.md"), truth = await made({}, text);
let wrong = 0;
for (const [condition, env] of Object.entries(CONDITIONS)) {
  const count = condition === "fresh process" ? Number(repeats) : 1, different = new Set<string>();
  for (let i = 0; i < count; i++) {
    const found = await made(env, text);
    for (const [name, hash] of truth) if (found.get(name) !== hash) different.add(name);
  }
  wrong += different.size;
  console.log(
    `| ${condition}, other folder | ${count} | ${truth.size} files | ${[...different].join(", ") || "identical"} |`,
  );
}
Deno.exit(wrong > 0 ? 1 : 0);
