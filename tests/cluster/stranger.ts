/**
 * A stranger's study from `hymba init` to a merged run on a Slurm cluster that this script starts, its sweep included, and the
 * same on one machine: `deno run -A tests/cluster/stranger.ts`. Width 96, nine layers of a pattern, a text of its own, three
 * rates, two seeds. Prints every command with what it prints, and compares the sweeps and the runs. `docs/cluster.md` has the
 * transcript.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { bitsOf } from "../cli/bits.ts";
import { hymba, makePlace, type Place } from "../cli/command_line.ts";
import { slurmMissing, startCluster, until } from "./slurm.ts";

/** What the stranger writes into the file that `hymba init` made. */
const CHANGES: readonly (readonly [from: RegExp, to: string])[] = [
  [/^# models = .*$/m, 'models = ["mine", "mamba"]'],
  [/^seeds = \[1\]$/m, "seeds = 2"],
  [/^# files = .*$/m, 'files = ["made-up.txt"]'],
  [/^dModel = 32$/m, "dModel = 96"],
  [/^nLayers = 6$/m, "nLayers = 9"],
  [/^# over = .*$/m, 'over = ["pretraining.rate=2e-3,4e-3,8e-3"]'],
];
const MINE = '\n[arms.mine]\nlayers = "h l m g h l m g h"\n';

const say = (text: string) => console.log(text.replaceAll(Deno.cwd(), "").trimEnd());

/** Runs a command and prints it with both of its outputs. */
async function shown(place: Place, line: string): Promise<string> {
  say(`\n$ hymba ${line}`);
  const { code, out, error } = await hymba(place, ...line.split(" "));
  say(error.replaceAll(place.folder, ""));
  say(out.replaceAll(place.folder, ""));
  assert.equal(code, 0, error);
  return out;
}

/** Compares all files of two runs but those that show times and speeds. Returns how many. */
async function compared(place: Place, first: string, second: string): Promise<number> {
  // Each run says itself when it was begun and when it read the test part.
  const [one, other] = await Promise.all([first, second].map(async (folder) => {
    const { "run.json": _, ...bits } = await bitsOf(place, folder);
    return bits;
  }));
  assert.deepEqual(one, other);
  return Object.keys(one ?? {}).length;
}

const read = (place: Place, path: string) => Deno.readTextFile(join(place.folder, path));

async function untilDone(place: Place, run: string): Promise<void> {
  await until("the last job", async () => {
    const { out } = await hymba(place, "array", "status", run, "--json");
    return JSON.parse(out).merge === "done";
  }, 1200);
}

const missing = slurmMissing();
if (missing) throw new Error(missing);
const made = await makePlace(), cluster = await startCluster(await Deno.makeTempDir({ prefix: "hymba-slurm-" }));
const place = { ...made, environment: { ...made.environment, ...cluster.environment } };
try {
  await shown(place, "init --preset smoke --out study.toml");
  const file = join(place.folder, "study.toml"), before = await Deno.readTextFile(file);
  const text = CHANGES.reduce((text, [from, to]) => {
    assert.match(text, from);
    say(`  ${to}`);
    return text.replace(from, to);
  }, before);
  say(MINE.trimEnd());
  await Deno.writeTextFile(file, text + MINE);
  await shown(place, "cells study.toml --backend cpu --threads 2");
  const sweep = "study.toml --backend cpu --per-arm --extend 1";
  await shown(place, `submit ${sweep} --sweep --sweep-seeds 1 --engine slurm --threads 1 --out searched`);
  await untilDone(place, "searched");
  await shown(place, "array status searched");
  await shown(place, `sweep ${sweep} --seeds 1 --threads 2 --jobs 2 --out sweep`);
  const both = await Promise.all(["searched/sweep", "sweep"].map((folder) => read(place, `${folder}/sweep.json`)));
  assert.equal(both[0], both[1]);
  say("\nthe two sweeps have the same losses and choices");
  const study = "study.toml --backend cpu --tuned searched/sweep";
  await shown(place, `submit ${study} --engine slurm --threads 1 --out shared`);
  await untilDone(place, "shared");
  await shown(place, "array status shared");
  await shown(place, `ablate ${study} --threads 1 --out one`);
  say(`\n${await compared(place, "one", "shared/merged")} files of the two runs are equal without times`);
} finally {
  await cluster.stop();
}
