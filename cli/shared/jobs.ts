/** `--jobs`: the cells of a study beside each other in processes of one machine, and then one run of them. */
import { join } from "node:path";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import type { StudyConfig } from "../../core/config/mod.ts";
import { makeFolders, removeTree, systemDisk, whenUnlocked } from "../../core/disk/mod.ts";
import { HymbaError, Interrupted, UsageError } from "../../core/errors.ts";
import { at } from "../../core/lists.ts";
import { FILES, readPart, readRecord, type Run } from "../../core/record/mod.ts";
import { type Cell, cellsOf, groupsOf } from "../../core/study/cells.ts";
import { differences } from "../../core/study/differences.ts";
import { mergeRuns } from "../../core/study/merge/mod.ts";
import { holdsAllPermissions } from "../ui/child.ts";
import { commandLine } from "../ui/environment.ts";
import { bytes } from "../ui/progress.ts";
import { stopper } from "../ui/run.ts";
import { cellFolder, requireSameEverywhere } from "./cells.ts";
import type { OwnFlags } from "./command_words.ts";
import { runGroups } from "./job_pool.ts";
import { JobProgress } from "./job_progress.ts";
import { type Carried, carriedOut, carryThrough, readied, writeEverything } from "./study.ts";

export const jobsOption = optional(
  option("--jobs", integer({ min: 1, max: 256, metavar: "N" }), {
    description:
      message`run N cells beside each other, each with its share of the threads; faster where models are small (docs/sweeps.md)`,
  }),
);

/** Flags that the processes of the cells get anew. */
export const OF_JOBS: OwnFlags = {
  "--jobs": 1,
  "--out": 1,
  "--threads": 1,
  "--backend": 1,
  "--adapter": 1,
  "--json": 0,
};

/** How a study is split into processes. */
export interface Jobs {
  readonly jobs: number;
  /** The folder of the cells. It is removed when the run is whole. */
  readonly cells: string;
  /** The words of a process without its cells, threads and backend. */
  readonly words: readonly string[];
}

/** Throws a UsageError where both flags are given. */
export function requireOneOf({ cells, jobs }: { cells: string | undefined; jobs: number | undefined }): void {
  if (cells === undefined || jobs === undefined) return;
  throw new UsageError("--cell and --jobs exclude each other", {
    hint: "--cell runs single cells in this process, --jobs runs all of them in several",
  });
}

/** Throws a UsageError where cells cannot run beside each other. */
function requireJobs({ study, opened }: Carried, { jobs }: Jobs): void {
  requireSameEverywhere(study);
  const { backend, adapter: { threads } } = opened;
  if (backend !== "cpu") {
    throw new UsageError("--jobs is for the processor: one GPU computes one model at a time", {
      hint: "--backend cpu, or leave --jobs out",
    });
  }
  if (jobs > Number(threads)) {
    throw new UsageError(`${jobs} jobs need a thread each`, {
      expected: `at most ${threads}, the number of threads`,
      hint: "--threads N says how many threads all of them have together",
    });
  }
  if (!holdsAllPermissions()) {
    throw new UsageError("--jobs starts processes, and they need all permissions", {
      hint: "run it with -A, or leave --jobs out",
    });
  }
}

/** Whether the run folder has been begun by one process, which then goes on, or is whole. */
const isOfOneProcess = async (folder: string): Promise<boolean> =>
  await systemDisk.stat(join(folder, FILES.record)) !== undefined && await readPart(systemDisk, folder) === undefined;

/** The groups that are not done. Throws a UsageError when the folder has cells of another study. */
async function openGroups(groups: readonly Cell[][], { study, cells: folder }: { study: StudyConfig; cells: string }) {
  const open: Cell[][] = [];
  for (const group of groups) {
    const done: boolean[] = [];
    for (const { index } of group) {
      const own = cellFolder(folder, index), record = await systemDisk.stat(join(own, FILES.record));
      if (record) await requireSame(own, study);
      done.push(await systemDisk.stat(join(own, FILES.checksums)) !== undefined);
    }
    if (!done.every(Boolean)) open.push(group);
  }
  return open;
}

async function requireSame(folder: string, study: StudyConfig): Promise<void> {
  const shown = differences({ study: (await readRecord(systemDisk, folder)).study }, { study }, {
    words: ["there", "now"],
  });
  if (shown.length === 0) return;
  throw new UsageError(`${folder} is a cell of another study`, {
    got: shown.join("\n            "),
    hint: "repeat the first command to go on with it, remove the folder of its cells, or choose another with --out",
  });
}

/** Says what will run beside what, and warns when that needs more memory than there is. */
function sayPlan({ need, display }: Carried, { groups, jobs, threads, cells }: {
  groups: readonly Cell[][];
  jobs: number;
  threads: number;
  cells: string;
}): void {
  const beside = Math.min(jobs, groups.length), of = groups.flat().length;
  const most = groups.map((group) => Math.max(...group.map(({ index }) => need?.cells[index]?.memory ?? 0)))
    .sort((a, b) => b - a).slice(0, beside).reduce((sum, memory) => sum + memory, 0);
  display.say(
    `${of} cells to do, ${beside} processes at a time with ${threads} thread${threads === 1 ? "" : "s"} each, up to ${
      bytes(most)
    } of memory, in ${cells}`,
  );
  const { available } = Deno.systemMemoryInfo();
  if (most > available) {
    display.say(`warning: ${bytes(available)} of memory are free; with fewer --jobs less is needed`);
  }
}

/** Trains every cell that is not done. */
async function trainCells(ready: Carried, { jobs, cells, words }: Jobs): Promise<void> {
  const { study, display, opened } = ready, flopsOf = ({ index }: Cell) => ready.need?.cells[index]?.cost.flops ?? 0;
  const costOf = (group: readonly Cell[]) => group.reduce((sum, cell) => sum + flopsOf(cell), 0);
  const all = cellsOf(study), groups = await openGroups(groupsOf(all), { study, cells });
  if (groups.length === 0) return;
  // The longest ones first: a long one at the end would run alone.
  groups.sort((a, b) => costOf(b) - costOf(a) || at(a, 0).index - at(b, 0).index);
  const threads = Math.floor(Number(opened.adapter.threads) / jobs);
  sayPlan(ready, { groups, jobs, threads, cells });
  for (const { index } of groups.flat()) {
    await whenUnlocked(systemDisk, cellFolder(cells, index), {
      onWait: () => display.say(`waiting for a process of an earlier call, which saves cell ${index}`),
    });
  }
  const progress = new JobProgress(display, { study, cells: all, flopsOf }), open = groups.flat();
  progress.finish(all.filter((cell) => !open.includes(cell)));
  const { signal, listen, dispose } = stopper(() => display.say("stopping: saving; Ctrl-C again stops at once"));
  listen();
  try {
    const own = ["--backend", "cpu", "--threads", String(threads), "--json"];
    await runGroups(groups, { jobs, words: [...words, ...own], display, progress, signal });
  } catch (error) {
    if (error instanceof Interrupted) display.say(`to go on, give the same command again:\n  ${commandLine()}`);
    throw error;
  } finally {
    dispose();
  }
}

/**
 * Does the same as `carriedOut`, with the cells in processes beside each other. Their folder has all that is done: the same call
 * continues, and a call that finds the run begun by one process goes on in one.
 */
export async function carriedOutBeside(given: Carried, how: Jobs): Promise<{ run: Run; artifacts: string[] }> {
  const { folder, display } = given, { cells } = how;
  if (await isOfOneProcess(folder)) {
    const whole = await systemDisk.stat(cells) !== undefined || await systemDisk.stat(join(folder, FILES.checksums));
    if (!whole) display.say(`note: ${folder} was begun without --jobs, so it goes on in one process`);
    return await ended(await carriedOut(given), cells);
  }
  requireJobs(given, how);
  await makeFolders(systemDisk, cells);
  const held = await systemDisk.lock(join(cells, "jobs.lock"), `process ${Deno.pid}`);
  if (!held) {
    throw new HymbaError(`another process works in ${cells}`, {
      hint: "wait for it or stop it, or choose another --out",
    });
  }
  try {
    const ready = await readied(given);
    await trainCells(ready, how);
    // The threads that measure speeds, and that other figures name, are those of this process.
    const own = { command: commandLine(), adapter: given.opened.adapter };
    await mergeRuns(systemDisk, [cells], { out: folder, own });
    const run = await carryThrough(ready);
    return await ended({ run, artifacts: await writeEverything(folder, run) }, cells);
  } finally {
    await held.release();
  }
}

/** The run has everything now, so the cells are not needed any more. */
async function ended<T>(made: T, cells: string): Promise<T> {
  await removeTree(systemDisk, cells);
  return made;
}
