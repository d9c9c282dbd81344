/**
 * `smoke` of all five models on twelve texts of other people, in twelve languages and forms:
 *
 *     deno run -A tests/corpora/run.ts FOLDER
 *
 * Needs `apt-get` of Debian and `npm`. FOLDER keeps texts and runs. Each run must end well, every artifact must name its text, and
 * the samples must be text. Ends with code 1 when one fails.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gather, type Source, SOURCES } from "./gather.ts";

const MODELS = ["mamba", "transformer-global", "transformer-local", "hybrid-sequential", "hymba"];
const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

/** Runs the study. Returns the faults; empty if there are none. */
async function problemsOf(source: Source, folder: string): Promise<string[]> {
  const text = await gather(source, folder), out = join(folder, "runs", source.name);
  const args = ["run", "-A", MAIN, "ablate", "--preset", "smoke", "--backend", "cpu", "--data", text, "--out", out];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  if (code !== 0) return [new TextDecoder().decode(stderr).split("\n").slice(-6).join(" ")];
  const problems: string[] = [];
  for (const file of ["run.json", "generation_samples.txt", "detailed_metrics.txt", "report.html"]) {
    const content = await Deno.readTextFile(join(out, file));
    if (!content.includes(source.name)) problems.push(`${file} does not name the text`);
  }
  const table = await Deno.readTextFile(join(out, "ablation_results.csv"));
  const missing = MODELS.filter((model) => !table.includes(`\n${model},1,`));
  if (missing.length > 0) problems.push(`ablation_results.csv lacks ${missing.join(", ")}`);
  return problems;
}

const [folder] = Deno.args;
if (folder === undefined) {
  console.error("a folder for texts and runs is needed");
  Deno.exit(2);
}
await Deno.mkdir(join(folder, "runs"), { recursive: true });
let failed = 0;
for (const source of SOURCES) {
  const problems = await problemsOf(source, folder).catch((error: Error) => [error.message]);
  if (problems.length > 0) failed++;
  console.log(
    `${problems.length === 0 ? "ok    " : "FAILED"}  ${source.name} (${source.form})  ${problems.join("; ")}`,
  );
}
console.log(`${SOURCES.length - failed} passed, ${failed} failed`);
if (failed > 0) Deno.exit(1);
