/** Slurm: the scripts of an array and of the merge after it, and the commands that submit and watch them. */
import { join } from "node:path";
import { makeFolders, systemDisk, writeAtomic } from "../../core/disk/mod.ts";
import { HymbaError } from "../../core/errors.ts";
import { type ArrayFile, type ArrayJob, PLACES, programWords, writeArray } from "./array_file.ts";

const quote = (word: string) => /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
const command = (words: readonly string[]) => words.map(quote).join(" ");

/** `1-02:03:04`, rounded up to minutes, which are Slurm's unit. */
function timeLimit(seconds: number): string {
  const minutes = Math.max(1, Math.ceil(seconds / 60)), two = (x: number) => String(x).padStart(2, "0");
  return `${Math.floor(minutes / 1440)}-${two(Math.floor(minutes / 60) % 24)}:${two(minutes % 60)}:00`;
}

/** The names of the jobs of a submission. After a kill, the jobs are found by these names. */
function namesOf({ submitting }: ArrayFile): { cells: string; merge: string } {
  const end = submitting ? `-${submitting.token}` : "";
  return { cells: `hymba-cells${end}`, merge: `hymba-merge${end}` };
}

/** The head of a script. SIGTERM comes a minute before the time limit, so that a cell saves a checkpoint. */
function head(file: ArrayFile, { name, log, folder }: { name: string; log: string; folder: string }): string[] {
  const { threads, memory, seconds } = file.resources;
  return [
    "#!/bin/bash",
    `#SBATCH --job-name=${name}`,
    `#SBATCH --output=${join(folder, PLACES.logs, log)}`,
    "#SBATCH --open-mode=append",
    "#SBATCH --requeue",
    "#SBATCH --signal=B:TERM@60",
    "#SBATCH --nodes=1",
    "#SBATCH --ntasks=1",
    `#SBATCH --cpus-per-task=${threads}`,
    `#SBATCH --mem=${Math.ceil(memory / 2 ** 20)}M`,
    `#SBATCH --time=${timeLimit(seconds)}`,
    ...(file.partition === undefined ? [] : [`#SBATCH --partition=${file.partition}`]),
    `#SBATCH --chdir=${file.from}`,
  ];
}

/** The script of the cells. A task that is requeued continues from its last checkpoint, because the command is the same. */
function cellScript(file: ArrayFile, folder: string): string {
  const words = [...programWords(), ...file.ablate, "--threads", String(file.resources.threads)];
  const out = ["--out", join(folder, PLACES.cells)];
  const lines = head(file, { name: namesOf(file).cells, log: "cell-%a.log", folder });
  return [...lines, `exec ${command([...words, ...out])} --cell "$SLURM_ARRAY_TASK_ID"`, ""].join("\n");
}

/** The script of the merge. */
function mergeScript(file: ArrayFile, folder: string): string {
  const words = [...programWords(), ...file.merge, "--threads", String(file.resources.threads)];
  const places = [join(folder, PLACES.cells), "--out", join(folder, PLACES.merged)];
  const lines = head(file, { name: namesOf(file).merge, log: "merge.log", folder });
  return [...lines, `exec ${command([...words, ...places])}`, ""].join("\n");
}

/** Runs a command of Slurm. Throws a HymbaError with what it wrote when it fails. */
async function slurm(name: string, args: readonly string[]): Promise<string> {
  const decoder = new TextDecoder();
  let ended: Deno.CommandOutput;
  try {
    ended = await new Deno.Command(name, { args: [...args] }).output();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new HymbaError(`there is no ${name} on this machine`, {
      expected: "a machine from which Slurm jobs can be submitted",
      hint: "run hymba submit there; --dry-run writes the scripts without submitting them",
      cause,
    });
  }
  if (ended.success) return decoder.decode(ended.stdout).trim();
  throw new HymbaError(`${name} failed with code ${ended.code}`, {
    got: decoder.decode(ended.stderr).trim().split("\n").slice(0, 5).join("\n            "),
    hint: "fix what Slurm reports, and repeat the command",
  });
}

const FILES = { cells: "cells.sbatch", merge: "merge.sbatch" } as const;

/** Writes both scripts. Returns their paths. */
export async function writeScripts(file: ArrayFile, folder: string): Promise<[cells: string, merge: string]> {
  await makeFolders(systemDisk, join(folder, PLACES.logs));
  const cells = join(folder, FILES.cells), merge = join(folder, FILES.merge);
  await writeAtomic(systemDisk, cells, cellScript(file, folder));
  await writeAtomic(systemDisk, merge, mergeScript(file, folder));
  return [cells, merge];
}

/**
 * Submits cells as an array, and a merge that runs after it. `file` has them in `submitting`. As soon as Slurm has the array,
 * its id is in array.json.
 */
export async function submitSlurm(
  file: ArrayFile,
  folder: string,
  { cells }: { cells: readonly number[] },
): Promise<ArrayJob> {
  const [script, merging] = await writeScripts(file, folder);
  const id = await slurm("sbatch", ["--parsable", `--array=${cells.join(",")}`, script]);
  const { submitting: _, ...known } = file, job = { id, cells: [...cells] };
  await writeArray(folder, { ...known, jobs: [...file.jobs, job] });
  // afterany, because a cell that diverges ends with an error. The merge reports missing cells.
  const merge = await slurm("sbatch", ["--parsable", `--dependency=afterany:${id}`, merging]);
  return { ...job, merge };
}

/** The job of a submission that was killed, if Slurm received it. */
export async function foundSlurm(file: ArrayFile): Promise<ArrayJob | undefined> {
  const names = namesOf(file), cells = file.submitting?.cells ?? [];
  const lines = await slurm("squeue", ["-h", "-o", "%F|%j", "--states=all", `--name=${names.cells},${names.merge}`]);
  const rows = lines.split("\n").map((line) => line.trim().split("|"));
  const idOf = (wanted: string) => rows.find(([, name]) => name === wanted)?.[0];
  const id = idOf(names.cells), merge = idOf(names.merge);
  return id === undefined ? undefined : { id, cells: [...cells], ...(merge === undefined ? {} : { merge }) };
}

/** Slurm's state of the cells in its queue: `RUNNING on n1`, `PENDING (Resources)`. */
export async function queued(file: ArrayFile): Promise<Map<number | "merge", string>> {
  const found = new Map<number | "merge", string>();
  for (const { id, merge } of file.jobs) {
    for (const job of [id, ...(merge === undefined ? [] : [merge])]) {
      // -r: one line per task. squeue fails for a job that Slurm has forgotten; such a job has nothing in the queue.
      const lines = await slurm("squeue", ["-h", "-r", "-o", "%i|%T|%r|%N", "--states=all", "-j", job]).catch(
        (error) => {
          if (/Invalid job id/.test(String(error))) return "";
          throw error;
        },
      );
      for (const line of lines.split("\n").filter((line) => line !== "")) {
        const [name = "", state = "", reason = "", node = ""] = line.split("|");
        const task = job === id ? Number(name.split("_")[1]) : "merge";
        if (!ENDED.has(state)) found.set(task, node === "" ? `${state} (${reason})` : `${state} on ${node}`);
      }
    }
  }
  return found;
}

/** Final states of a task: Slurm will not run it again by itself. */
const ENDED = new Set(
  ["COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE", "PREEMPTED"],
);
