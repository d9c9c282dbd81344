/** A study on a real Slurm cluster whose tasks are requeued, killed and lose their node. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { resolveCorpus } from "../../core/data/corpus.ts";
import { memoryDisk, systemDisk } from "../../core/disk/mod.ts";
import { readRecord } from "../../core/record/mod.ts";
import { filesBelow } from "../../core/study/merge/copy.ts";
import { runStudy } from "../../core/study/study.ts";
import { hymba, makePlace, type Place } from "../cli/command_line.ts";
import { contentOf } from "../study/timeless.ts";
import { type Cluster, slurmMissing, startCluster, until } from "./slurm.ts";
import { QUICK } from "../thorough.ts";

const missing = slurmMissing();
if (missing) console.log(`skipped: a study on a Slurm cluster: ${missing}`);

/** The table of `hymba array status`, by cell. */
async function statesOf(place: Place, run: string): Promise<Record<string, string>> {
  const { out, error } = await hymba(place, "array", "status", run, "--json");
  assert.ok(out, error);
  const { cells, merge } = JSON.parse(out) as { cells: { index: number; state: string }[]; merge: string };
  return { ...Object.fromEntries(cells.map(({ index, state }) => [index, state])), merge };
}

interface Task {
  readonly job: string;
  readonly cell: number;
  readonly arm: string;
}

const nameOf = ({ job, cell }: Task) => `${job}_${cell}`;
const stateIn = ({ ask }: Cluster, task: Task) => ask("squeue", "-h", "-r", "-o", "%T", "-j", nameOf(task));

/** Waits until a task runs and has saved one more checkpoint. */
async function untilAtWork(cluster: Cluster, run: string, task: Task): Promise<void> {
  const folder = join(run, `cells/cell-${task.cell}/arms/${task.arm}-1/checkpoints`);
  const saved = async () => await systemDisk.stat(folder) ? (await systemDisk.list(folder)).join() : "";
  const before = await saved();
  await until(`cell ${task.cell} at work`, async () => {
    const now = await saved();
    return now !== before && now !== "" && /RUNNING/.test(await stateIn(cluster, task));
  });
}

/** A node refuses a task that starts in the second in which it was taken away ("job credential revoked"). */
const REVOKED_MS = 3000;

/** Slurm lets a requeued task wait two minutes. This starts it after three seconds. */
async function startAgain(cluster: Cluster, task: Task): Promise<void> {
  await until(`cell ${task.cell} back in the queue`, async () => /PENDING/.test(await stateIn(cluster, task)));
  await new Promise((resolve) => setTimeout(resolve, REVOKED_MS));
  await until(`cell ${task.cell} running again`, async () => {
    if (/RUNNING/.test(await stateIn(cluster, task))) return true;
    const begun = (error: Error) => {
      if (!/no longer pending/.test(error.message)) throw error;
    };
    await cluster.ask("scontrol", "update", `JobId=${nameOf(task)}`, "StartTime=now").catch(begun);
    return false;
  });
}

/** The process of a cell. */
async function processOf({ cell }: Task): Promise<number> {
  const { stdout } = await new Deno.Command("pgrep", { args: ["-f", `hymba-slurm.* --cell ${cell}$`] }).output();
  return Number(new TextDecoder().decode(stdout).trim().split("\n")[0]);
}

async function trouble(cluster: Cluster, run: string, job: string): Promise<void> {
  const { ask } = cluster, first: Task = { job, cell: 0, arm: "mamba" }, second: Task = { job, cell: 1, arm: "hymba" };
  // Cell 1 loses its node, and Slurm puts it on the other one; the lost node stays away. Cell 0 may be on the same node.
  await Promise.all([first, second].map((task) => untilAtWork(cluster, run, task)));
  const node = await ask("squeue", "-h", "-o", "%N", "-j", nameOf(second));
  await ask("scontrol", "update", `NodeName=${node}`, "State=DOWN", "Reason=test");
  await startAgain(cluster, second);
  if (/PENDING/.test(await stateIn(cluster, first))) await startAgain(cluster, first);
  // Cell 0 is put back into the queue while it trains, and its process is killed after it has gone on.
  await untilAtWork(cluster, run, first);
  await ask("scontrol", "requeue", nameOf(first));
  await startAgain(cluster, first);
  await untilAtWork(cluster, run, first);
  Deno.kill(await processOf(first), "SIGKILL");
}

/** Compares the merged run with the study made by one process, but for artifacts and speeds. */
async function requireSame(merged: string, text: string): Promise<void> {
  const { study, ...record } = await readRecord(systemDisk, merged), disk = memoryDisk();
  const executor = await CpuExecutor.create({ threads: 1 }), corpus = await resolveCorpus({ data: text });
  try {
    const options = { executor, corpus, disk, folder: "one", environment: record, probe: true, test: true };
    await runStudy(study, options);
  } finally {
    await executor.close();
  }
  const files = (await filesBelow(disk, "one")).filter((file) => file !== "lock" && file !== "run.json");
  assert.ok(files.filter((file) => file.endsWith(".safetensors")).length >= 20);
  const there = await filesBelow(systemDisk, join(merged, "arms"));
  // A task that was stopped has saved in between, so its checkpoints have other numbers.
  for (const file of files.filter((file) => !file.includes("checkpoints"))) {
    assert.equal(await contentOf(systemDisk, join(merged, file)), await contentOf(disk, join("one", file)), file);
  }
  assert.ok(there.some((file) => file.includes("checkpoints")));
}

Deno.test({
  name:
    "an array on Slurm survives a requeue, a killed task and a lost node, heals, and merges to the bytes of one machine",
  ignore: QUICK || missing !== undefined,
  fn: async () => {
    const made = await makePlace(), folder = await Deno.makeTempDir({ prefix: "hymba-slurm-" });
    const cluster = await startCluster(folder), run = join(folder, `it's "my" 50%j study/run`);
    const place = { ...made, environment: { ...made.environment, ...cluster.environment } };
    try {
      const study = ["--preset", "smoke", "--models", "mamba,hymba", "--backend", "cpu", "--data", place.text];
      const longer = ["--steps", "100", "--orpo-steps", "2", "--set", "pretraining.evaluateEvery=10"];
      const own = ["--engine", "slurm", "--threads", "1", "--out", run, "--json"];
      const submitted = await hymba(place, "submit", ...study, ...longer, ...own);
      assert.equal(submitted.code, 0, submitted.error);
      const { id, merge } = JSON.parse(submitted.out);
      await trouble(cluster, run, id);
      await until(
        "the end of the first array",
        async () => !/RUNN|PEND/.test(await cluster.ask("squeue", "-h", "-o", "%T")),
      );
      assert.deepEqual(await statesOf(place, run), { 0: "failed", 1: "done", merge: "failed" });
      assert.match(await Deno.readTextFile(join(run, "logs/merge.log")), /missing: cell 0 \(mamba, seed 1\)/, merge);

      const healed = await hymba(place, "array", "heal", run);
      assert.equal(healed.code, 0, healed.error);
      assert.match(healed.out, /^submitted cells 0 as \d+, and a merge as \d+$/m);
      await until("the merge", async () => (await statesOf(place, run)).merge === "done");
      assert.deepEqual(await statesOf(place, run), { 0: "done", 1: "done", merge: "done" });
      assert.match((await hymba(place, "array", "heal", run)).out, /nothing to heal/);
      assert.match(await Deno.readTextFile(join(run, "logs/cell-0.log")), /stopping: saving/);
      await requireSame(join(run, "merged"), place.text);
      const verified = await hymba(place, "verify", join(run, "merged"), "--backend", "cpu", "--data", place.text);
      assert.equal(verified.code, 0, verified.out + verified.error);
    } finally {
      await cluster.stop();
    }
  },
});
