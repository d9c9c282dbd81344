/** The scripts for Slurm, run without it: each task as Slurm would start it, then the last job. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { hymba, makePlace } from "../cli/command_line.ts";
import { thorough } from "../thorough.ts";

const place = await makePlace(), linux = { ignore: Deno.build.os === "windows" };
const SMALL = ["--preset", "smoke", "--backend", "cpu", "--models", "mamba", "--data", place.text];
const CLUSTER = ["--engine", "slurm", "--threads", "1", "--dry-run"];

const read = (path: string) => Deno.readTextFile(join(place.folder, path));

/** Runs a script, as a task of an array or alone, and checks its exit code. */
async function runScript(
  path: string,
  { task, expected = 0 }: { task?: number; expected?: number } = {},
): Promise<void> {
  const own: Record<string, string> = task === undefined ? {} : { SLURM_ARRAY_TASK_ID: String(task) };
  const { code, stderr } = await new Deno.Command("bash", {
    args: [path],
    cwd: place.folder,
    env: { ...place.environment, ...own },
    stdout: "null",
    stderr: "piped",
  }).output();
  assert.equal(code, expected, new TextDecoder().decode(stderr));
}

Deno.test("a training and its shorter ones are one task, and it trains all of them", linux, async () => {
  const lengths = [
    "--steps",
    "8",
    "--set",
    "pretraining.warmup=1",
    "--set",
    "pretraining.schedule=wsd",
    "--set",
    "pretraining.decayAt=[4]",
  ];
  const short = ["--set", "lastStage=pretraining", "--set", "recall.probe=false", "--seeds", "2"];
  const { code, error } = await hymba(place, "submit", ...SMALL, ...lengths, ...short, ...CLUSTER, "--out", "lengths");
  assert.equal(code, 0, error);
  const script = await read("lengths/cells.sbatch");
  assert.match(script, /^#SBATCH --array=0,2$/m);
  assert.match(script, /^ {2}0\) cells=0,1 ;;\n {2}2\) cells=2,3 ;;$/m);
  await runScript(join(place.folder, "lengths/cells.sbatch"), { task: 2 });
  const made = Array.from(Deno.readDirSync(join(place.folder, "lengths/cells")), ({ name }) => name).toSorted();
  assert.deepEqual(made, ["cell-2", "cell-3"]);
  assert.match(await read("lengths/cells/cell-2/run.json"), /--cell 2,3"/);
});

thorough(
  "the sweep of a study as tasks: the last job merges, extends the grid and chooses like one machine",
  async () => {
    if (Deno.build.os === "windows") return console.log("skipped: the scripts are for bash");
    const over = ["--over", "pretraining.rate=1e-3,1000", "--extend", "1"], steps = ["--steps", "4"];
    const own = ["--sweep", "--sweep-seeds", "1", ...CLUSTER, "--out", "swept"];
    const { code, error } = await hymba(place, "submit", ...SMALL, ...steps, ...over, ...own);
    assert.equal(code, 0, error);
    assert.match(await read("swept/cells.sbatch"), /^#SBATCH --array=0-1$/m);
    // The point of the large rate diverges, which ends its task with 1. The sweep has a choice all the same.
    const cells = join(place.folder, "swept/cells.sbatch");
    await Promise.all([0, 1].map((task) => runScript(cells, { task, expected: task })));
    await runScript(join(place.folder, "swept/merge.sbatch"));
    const one = await hymba(
      place,
      "sweep",
      ...SMALL,
      ...steps,
      ...over,
      "--seeds",
      "1",
      "--threads",
      "1",
      "--out",
      "one",
    );
    assert.equal(one.code, 0, one.error);
    for (const file of ["sweep.csv", "sweep.json"]) {
      assert.equal(
        await read(`swept/sweep/${file}`),
        await read(`one/${file}`),
      );
    }
    const { rounds } = JSON.parse(await read("one/sweep.json"));
    assert.equal(rounds, 2);
    const { command, trained_by } = JSON.parse(await read("swept/sweep/round-1/run.json"));
    assert.match(command, /^hymba merge .*round-1-cells --out .*round-1$/);
    assert.deepEqual(
      trained_by.map((one: { command: string; cells: unknown }) => [/--cell \d$/.exec(one.command)?.[0], one.cells]),
      [["--cell 0", [{ arm: "mamba@rate=0.001", seed: 10001 }]], ["--cell 1", [{
        arm: "mamba@rate=1000",
        seed: 10001,
      }]]],
    );
  },
);

Deno.test("a script of somebody else is not replaced, and one of an earlier dry run is", async () => {
  const folder = join(place.folder, "own"), script = join(folder, "cells.sbatch");
  await Deno.mkdir(folder);
  await Deno.writeTextFile(script, "#!/bin/bash\necho mine\n");
  const words = ["submit", ...SMALL, ...CLUSTER, "--steps", "4", "--out", "own"],
    refused = await hymba(place, ...words);
  assert.deepEqual([refused.code, /cells\.sbatch exists already/.test(refused.error)], [2, true], refused.error);
  assert.equal(await Deno.readTextFile(script), "#!/bin/bash\necho mine\n");
  await Deno.remove(script);
  for (let time = 0; time < 2; time++) assert.equal((await hymba(place, ...words)).code, 0);
});

Deno.test("flags that do not go together are refused before anything is written", async () => {
  for (
    const [words, expected] of [
      [["--over", "pretraining.rate=1e-3,2e-3"], /--over belongs to a sweep/],
      [["--sweep", "--seeds", "3"], /--seeds belongs to the study and not to its sweep/],
      [["--sweep"], /names no keys to sweep over/],
      [
        ["--sweep", "--over", "pretraining.rate=1e-3,2e-3", "--set", "budget=seconds"],
        /cannot have a budget of seconds/,
      ],
    ] as const
  ) {
    const { code, error } = await hymba(place, "submit", ...SMALL, ...CLUSTER, ...words, "--out", "refused");
    assert.equal(code, 2, error);
    assert.match(error, expected);
    await assert.rejects(Deno.stat(join(place.folder, "refused")), Deno.errors.NotFound);
  }
});
