/** Slurm: the scripts of an array and of the merge after it, and the commands that submit and watch them. */
import { join } from "node:path";
import { makeFolders, systemDisk, writeAtomic } from "../../core/disk/mod.ts";
import { HymbaError, quoted, UsageError } from "../../core/errors.ts";
import {
  type ArrayFile,
  type ArrayJob,
  isWhole,
  PLACES,
  placesOf,
  programWords,
  taskOf,
  tasksOf,
  writeArray,
} from "./array_file.ts";

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

/** Numbers in the notation of `--array`: `0-3,7`. */
function ranges(numbers: readonly number[]): string {
  const spans: [first: number, last: number][] = [];
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const span = spans.at(-1);
    if (span?.[1] === number - 1) span[1] = number;
    else spans.push([number, number]);
  }
  return spans.map(([first, last]) => first === last ? `${first}` : `${first}-${last}`).join(",");
}

interface Head {
  readonly name: string;
  readonly log: string;
  readonly folder: string;
  readonly seconds: number;
  readonly array?: string;
}

/** A value of a directive as sbatch reads it: in quotes, which may hold spaces. */
const inQuotes = (value: string): string => `"${value.replaceAll(/["\\]/g, "\\$&")}"`;

/**
 * Throws a UsageError for paths that a directive of sbatch cannot hold: it ends at the end of a line, and a backslash turns off the
 * numbers in the names of logs.
 */
export function requirePlainPaths(paths: readonly string[]): void {
  // deno-lint-ignore no-control-regex
  const wrong = paths.find((path) => /[\u0000-\u001f\u007f\\]/.test(path));
  if (wrong === undefined) return;
  throw new UsageError(`Slurm cannot take the path ${quoted(wrong)}`, {
    expected: "a path without backslashes, line breaks and other control characters",
    hint: "choose another folder with --out, or call hymba in another folder",
  });
}

/** The head of a script. SIGTERM comes a minute before the time limit, so that a cell saves a checkpoint. */
function head(file: ArrayFile, { name, log, folder, seconds, array }: Head): string[] {
  const { threads, memory } = file.resources;
  return [
    "#!/bin/bash",
    `#SBATCH --job-name=${name}`,
    // In the name of a log, a single % begins a number of the job.
    `#SBATCH --output=${inQuotes(join(folder.replaceAll("%", "%%"), PLACES.logs, log))}`,
    ...(array === undefined ? [] : [`#SBATCH --array=${array}`]),
    "#SBATCH --open-mode=append",
    "#SBATCH --requeue",
    "#SBATCH --signal=B:TERM@60",
    "#SBATCH --nodes=1",
    "#SBATCH --ntasks=1",
    `#SBATCH --cpus-per-task=${threads}`,
    `#SBATCH --mem=${Math.ceil(memory / 2 ** 20)}M`,
    `#SBATCH --time=${timeLimit(seconds)}`,
    ...(file.partition === undefined ? [] : [`#SBATCH --partition=${inQuotes(file.partition)}`]),
    `#SBATCH --chdir=${inQuotes(file.from)}`,
  ];
}

const threadWords = ({ resources: { threads } }: ArrayFile): string[] => ["--threads", String(threads)];

/**
 * The script of the cells. A task that is requeued continues from its last checkpoint, because the command is the same. A
 * training and those that branch off it are one task, with the number of the first.
 */
function cellScript(file: ArrayFile, folder: string): string {
  const tasks = tasksOf(file, file.cells.map(({ index }) => index)), { seconds } = file.resources;
  const words = [...programWords(), ...file.train, ...threadWords(file), "--out", placesOf(file, folder).out];
  const array = ranges([...tasks.keys()]);
  const lines = head(file, { name: namesOf(file).cells, log: "cell-%a.log", folder, seconds, array });
  const isPlain = [...tasks.values()].every(({ length }) => length === 1);
  const choice = [...tasks].map(([task, cells]) => `  ${task}) cells=${cells.join(",")} ;;`);
  return [
    ...lines,
    ...(isPlain ? [] : ['case "$SLURM_ARRAY_TASK_ID" in', ...choice, "esac"]),
    `exec ${command(words)} --cell "$${isPlain ? "SLURM_ARRAY_TASK_ID" : "cells"}"`,
    "",
  ].join("\n");
}

/** The script of the last job: it merges the cells. For a sweep it then trains later rounds and chooses. */
function mergeScript(file: ArrayFile, folder: string): string {
  const { out, cells, merged } = placesOf(file, folder), program = programWords(), threads = threadWords(file);
  const merge = command([...program, ...file.merge, ...threads, cells, "--out", merged]);
  const seconds = file.resources.lastSeconds;
  const lines = head(file, { name: namesOf(file).merge, log: "merge.log", folder, seconds });
  const choose = command([...program, ...file.train, ...threads, "--out", out]);
  const work = file.sweep ? [merge, `${command(isWhole(merged))} && exec ${choose}`] : [`exec ${merge}`];
  return [...lines, ...work, ""].join("\n");
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
 * Submits the tasks of these cells as an array, and the last job, which runs after it. Without cells it submits only the last job.
 * `file` has the cells in `submitting`. As soon as Slurm has the array, its id is in array.json.
 */
export async function submitSlurm(
  file: ArrayFile,
  folder: string,
  { cells }: { cells: readonly number[] },
): Promise<ArrayJob> {
  const [script, merging] = await writeScripts(file, folder), before = await openArrays(file);
  // afterany, because a cell that diverges ends with an error. The merge reports missing cells.
  const after = (ids: readonly string[]) => ids.length === 0 ? [] : [`--dependency=afterany:${ids.join(":")}`];
  const merged = (ids: readonly string[]) => slurm("sbatch", ["--parsable", ...after(ids), merging]);
  if (cells.length === 0) return { cells: [], merge: await merged(before) };
  const id = await slurm("sbatch", ["--parsable", `--array=${ranges([...tasksOf(file, cells).keys()])}`, script]);
  const { submitting: _, ...known } = file, job = { id, cells: [...cells] };
  await writeArray(folder, { ...known, jobs: [...file.jobs, job] });
  return { ...job, merge: await merged([...before, id]) };
}

/** The job of a submission that was killed, if Slurm received it. */
export async function foundSlurm(file: ArrayFile): Promise<ArrayJob | undefined> {
  const names = namesOf(file), cells = file.submitting?.cells ?? [];
  const lines = await slurm("squeue", ["-h", "-o", "%F|%j", "--states=all", `--name=${names.cells},${names.merge}`]);
  const rows = lines.split("\n").map((line) => line.trim().split("|"));
  const idOf = (wanted: string) => rows.find(([, name]) => name === wanted)?.[0];
  const id = idOf(names.cells), merge = idOf(names.merge);
  if (id === undefined && merge === undefined) return undefined;
  return { cells: [...cells], ...(id !== undefined && { id }), ...(merge !== undefined && { merge }) };
}

/** The lines of squeue for a job, one per task. squeue fails for a job that Slurm has forgotten; such a job has no lines. */
async function linesOf(job: string): Promise<string[]> {
  const lines = await slurm("squeue", ["-h", "-r", "-o", "%i|%T|%r|%N", "--states=all", "-j", job]).catch((error) => {
    if (/Invalid job id/.test(String(error))) return "";
    throw error;
  });
  return lines.split("\n").filter((line) => line !== "");
}

/** The arrays that still have tasks in the queue. */
async function openArrays({ jobs }: ArrayFile): Promise<string[]> {
  const open: string[] = [];
  for (const { id } of jobs) {
    const lines = id === undefined ? [] : await linesOf(id);
    if (id !== undefined && lines.some((line) => !ENDED.has(line.split("|")[1] ?? ""))) open.push(id);
  }
  return open;
}

/** Slurm's state of the cells in its queue: `RUNNING on n1`, `PENDING (Resources)`. */
export async function queued(file: ArrayFile): Promise<Map<number | "merge", string>> {
  const found = new Map<number | "merge", string>();
  for (const { id, merge } of file.jobs) {
    for (const job of [id, merge]) {
      for (const line of job === undefined ? [] : await linesOf(job)) {
        const [name = "", state = "", reason = "", node = ""] = line.split("|");
        const words = node === "" ? `${state} (${reason})` : `${state} on ${node}`, task = Number(name.split("_")[1]);
        if (ENDED.has(state)) continue;
        if (job === merge) found.set("merge", words);
        else for (const cell of file.cells) if (taskOf(cell) === task) found.set(cell.index, words);
      }
    }
  }
  return found;
}

/** Final states of a task: Slurm will not run it again by itself. */
const ENDED = new Set(
  ["COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE", "PREEMPTED"],
);
