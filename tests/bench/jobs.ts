/**
 * Cells in parallel against one after the other: `deno run -A tests/bench/jobs.ts [--preset quick] [--jobs 2] [--models A,B]
 * [--rounds 3]`. Runs the first stage of the models with all threads in one process, and in so many processes with their share
 * of the threads, in turns, each time in a new folder. Prints the seconds of every run as JSON. A busy machine makes the times
 * longer and the comparison wrong.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    preset: { type: "string", default: "quick" },
    jobs: { type: "string", default: "2" },
    models: { type: "string", default: "mamba,hymba,transformer-local,transformer-global" },
    rounds: { type: "string", default: "3" },
    data: { type: "string" },
  },
});
const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

/** Seconds of one study, from its start to its artifacts. */
async function seconds(folder: string, more: readonly string[]): Promise<number> {
  const words = ["ablate", "--preset", values.preset, "--backend", "cpu", "--models", values.models, "--out", folder];
  const short = ["--set", "lastStage=pretraining", "--set", "recall.probe=false"];
  const data = values.data === undefined ? [] : ["--data", values.data];
  const begun = performance.now();
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", MAIN, ...words, ...short, ...data, ...more],
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return (performance.now() - begun) / 1000;
}

const found: { way: string; seconds: number }[] = [], folder = await Deno.makeTempDir();
const ways = [["one process", []], [`${values.jobs} jobs`, ["--jobs", values.jobs]]] as const;
for (let round = 0; round < Number(values.rounds); round++) {
  for (const [way, more] of ways) {
    found.push({ way, seconds: await seconds(join(folder, `${way.replace(" ", "-")}-${round}`), more) });
    console.error(`${way}: ${found.at(-1)?.seconds.toFixed(1)} s`);
  }
}
await Deno.remove(folder, { recursive: true });
const cpus = navigator.hardwareConcurrency;
console.log(JSON.stringify({ preset: values.preset, models: values.models, cpus, runs: found }, undefined, 2));
