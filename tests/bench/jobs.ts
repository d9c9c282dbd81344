/**
 * Cells in parallel against one after the other: `deno run -A tests/bench/jobs.ts [--preset quick] [--jobs 2] [--models A,B]
 * [--seeds N] [--steps N] [--rounds 3]`. Runs the first stage of the models with all threads in one process, and in so many
 * processes with their share of the threads, in turns, each time in a new folder. Prints the seconds of every run as JSON: to the
 * end of the last training, and to the end of the command, which then measures speeds and draws figures. A busy machine makes the
 * times longer and the comparison wrong.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    preset: { type: "string", default: "quick" },
    jobs: { type: "string", default: "2" },
    seeds: { type: "string", default: "1" },
    steps: { type: "string" },
    models: { type: "string", default: "mamba,hymba,transformer-local,transformer-global" },
    rounds: { type: "string", default: "3" },
    data: { type: "string" },
  },
});
const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

/** What one study takes, in seconds from its start. */
interface Taken {
  /** The last line of the log: everything is trained. */
  readonly trained: number;
  /** Everything is measured, and every artifact is written. */
  readonly ended: number;
}

async function taken(folder: string, more: readonly string[]): Promise<Taken> {
  const { preset, models, seeds, steps, data } = values;
  const words = ["--preset", preset, "--models", models, "--seeds", seeds, "--backend", "cpu", "--out", folder];
  const short = ["--set", "lastStage=pretraining", "--set", "recall.probe=false"];
  const given = [...(steps === undefined ? [] : ["--steps", steps]), ...(data === undefined ? [] : ["--data", data])];
  const begun = Date.now();
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", MAIN, "ablate", ...words, ...short, ...given, ...more],
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const ended = Date.now(), log = (await Deno.stat(join(folder, "metrics.jsonl"))).mtime;
  if (!log) throw new Error("this file system keeps no times");
  return { trained: (log.getTime() - begun) / 1000, ended: (ended - begun) / 1000 };
}

const found: (Taken & { way: string })[] = [], folder = await Deno.makeTempDir();
const ways = [["one process", []], [`${values.jobs} jobs`, ["--jobs", values.jobs]]] as const;
for (let round = 0; round < Number(values.rounds); round++) {
  for (const [way, more] of ways) {
    const one = await taken(join(folder, `${way.replace(" ", "-")}-${round}`), more);
    found.push({ way, ...one });
    console.error(`${way}: ${one.trained.toFixed(1)} s to the last training, ${one.ended.toFixed(1)} s in all`);
  }
}
await Deno.remove(folder, { recursive: true });
const { data: _, ...how } = values;
console.log(JSON.stringify({ ...how, cpus: navigator.hardwareConcurrency, runs: found }, undefined, 2));
