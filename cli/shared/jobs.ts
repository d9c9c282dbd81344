/** `--jobs`: runs the cells of a study in parallel processes on one machine, then merges them. */
import { join } from "node:path";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import type { StudyConfig } from "../../core/config/mod.ts";
import { lockFolder, makeFolders, removeTree, systemDisk, whenUnlocked } from "../../core/disk/mod.ts";
import { HymbaError, Interrupted, UsageError } from "../../core/errors.ts";
import { at } from "../../core/lists.ts";
import { FILES, readPart, readRecord, type Run, type RunRecord } from "../../core/record/mod.ts";
import { type Cell, cellsOf, groupsOf } from "../../core/study/cells.ts";
import { differences } from "../../core/study/json_differences.ts";
import { asideIn, copyOthers, type Growth, growthOf, requireWhole, setAside } from "../../core/study/extend.ts";
import { fittedStudy } from "../../core/study/fitted.ts";
import { mergeRuns } from "../../core/study/merge/mod.ts";
import { holdsAllPermissions } from "../ui/child.ts";
import { writeChecksums } from "../../core/verify/checksums.ts";
import { commandLine, versions } from "../ui/environment.ts";
import { bytes } from "../ui/progress.ts";
import { stopper } from "../ui/run.ts";
import { cellFolder, requireSameEverywhere, trainHere } from "./cells.ts";
import type { OwnFlags } from "./command_words.ts";
import { runGroups } from "./job_pool.ts";
import { JobProgress } from "./job_progress.ts";
import { provenance } from "./provenance.ts";
import { preparedStudy, runAndWrite, type RunnableStudy, runWithRestarts, writeEverything } from "./study.ts";

export const jobsOption = optional(
  option("--jobs", integer({ min: 1, max: 256, metavar: "N" }), {
    description:
      message`run N cells in parallel, each with its share of the threads; measure first if that is faster (docs/sweeps.md)`,
  }),
);

/** Flags that the processes of the cells get with other values. */
export const OF_JOBS: OwnFlags = {
  "--jobs": 1,
  "--out": 1,
  "--threads": 1,
  "--backend": 1,
  "--adapter": 1,
  "--json": 0,
};

/** How a study is split into cells. */
export interface Jobs {
  /** Number of parallel processes. If absent, this process runs one cell after another. */
  readonly jobs?: number;
  /** The folder of the cells. It is removed when the run is complete. */
  readonly cells: string;
  /** The command line of a process, without its cells, threads and backend. */
  readonly words: readonly string[];
}

/** Throws a UsageError if both flags are given. */
export function requireOneOf({ cells, jobs }: { cells: string | undefined; jobs: number | undefined }): void {
  if (cells === undefined || jobs === undefined) return;
  throw new UsageError("--cell and --jobs exclude each other", {
    hint: "--cell runs single cells in this process, --jobs runs all of them in several",
  });
}

/** Throws a UsageError if cells cannot run in parallel. */
function requireJobs({ opened }: RunnableStudy, jobs: number): void {
  const { backend, adapter: { threads } } = opened;
  if (backend !== "cpu") {
    throw new UsageError("--jobs is for the processor: one GPU computes one model at a time", {
      hint: "use --backend cpu, or omit --jobs",
    });
  }
  if (jobs > Number(threads)) {
    throw new UsageError(`${jobs} jobs need a thread each`, {
      expected: `at most ${threads}, the number of threads`,
      hint: "--threads N sets the total number of threads",
    });
  }
  if (!holdsAllPermissions()) {
    throw new UsageError("--jobs starts processes, and they need all permissions", {
      hint: "run it with -A, or omit --jobs",
    });
  }
}

/** The record of a run folder that one process has started or finished; undefined for any other folder. */
const ownRecord = async (folder: string): Promise<RunRecord | undefined> =>
  await systemDisk.stat(join(folder, FILES.record)) && await readPart(systemDisk, folder) === undefined
    ? await readRecord(systemDisk, folder)
    : undefined;

/** The groups that are not done. Throws a UsageError when the folder has cells of another study. */
async function openGroups(groups: readonly Cell[][], { study, cells: folder, old }: {
  study: StudyConfig;
  cells: string;
  /** Cells of the run that is extended. */
  old: readonly Cell[];
}): Promise<Cell[][]> {
  const open: Cell[][] = [];
  for (const all of groups) {
    const group = all.filter(({ index }) => !old.some((cell) => cell.index === index)), done: boolean[] = [];
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
    hint: "repeat the first command to continue it, remove the folder of its cells, or choose another with --out",
  });
}

/** Prints what will run in parallel, and warns if that needs more memory than is free. */
function sayPlan({ need, display }: RunnableStudy, { groups, jobs, threads, cells }: {
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

/** Trains every cell that is neither done nor in `old`. */
async function trainCells(ready: RunnableStudy, { jobs, cells, words }: Jobs, old: readonly Cell[]): Promise<void> {
  const { study, display, opened } = ready, flopsOf = ({ index }: Cell) => ready.need?.cells[index]?.cost.flops ?? 0;
  const costOf = (group: readonly Cell[]) => group.reduce((sum, cell) => sum + flopsOf(cell), 0);
  const all = cellsOf(study), groups = await openGroups(groupsOf(all), { study, cells, old }), open = groups.flat();
  if (open.length === 0) return;
  if (jobs === undefined) return void await trainHere(ready, { cells: open, folder: cells });
  // The longest cells first, because a long one at the end would run alone.
  groups.sort((a, b) => costOf(b) - costOf(a) || at(a, 0).index - at(b, 0).index);
  const threads = Math.floor(Number(opened.adapter.threads) / jobs);
  sayPlan(ready, { groups, jobs, threads, cells });
  for (const { index } of open) {
    await whenUnlocked(systemDisk, cellFolder(cells, index), {
      onWait: () => display.say(`waiting for a process of an earlier call, which saves cell ${index}`),
    });
  }
  const progress = new JobProgress(display, { study, cells: all, flopsOf, groups, jobs });
  progress.begin(all.filter((cell) => !open.includes(cell)));
  const { signal, listen, dispose } = stopper(() => display.say("stopping: saving; Ctrl-C again stops at once"));
  listen();
  try {
    const own = ["--backend", "cpu", "--threads", String(threads), "--json"];
    await runGroups(groups, { jobs, words: [...words, ...own], display, progress, signal });
  } catch (error) {
    if (error instanceof Interrupted) display.say(`to continue, repeat the same command:\n  ${commandLine()}`);
    throw error;
  } finally {
    dispose();
  }
}

/** The study as it will run, without messages. */
const fittedSilently = ({ study, corpus, givenTokenizer }: RunnableStudy): Promise<StudyConfig> =>
  fittedStudy(systemDisk, study, { corpus, given: givenTokenizer, say: () => {} });

/** Throws a UsageError if new cells would differ from the old ones: other kernels or another version. */
async function requireAlikeProgram(folder: string, record: RunRecord, { opened }: RunnableStudy): Promise<void> {
  const { kernels } = await provenance(opened), { threads: _, ...adapter } = opened.adapter;
  const { threads: __, ...before } = record.adapter;
  const own = { backend: opened.backend, adapter, tiles: opened.tiles, kernels, version: versions().hymba };
  const { backend, tiles, kernels: theirs, versions: { hymba: version } } = record;
  const its = { backend, adapter: before, tiles, kernels: theirs, version };
  const shown = differences(its, own, { words: ["there", "now"] });
  if (shown.length === 0) return;
  throw new UsageError(`${folder} was made by another program or on another backend, so it cannot be extended`, {
    got: shown.join("\n            "),
    hint: "start the larger study in a new folder with --out DIR",
  });
}

/**
 * If the study extends a finished run in the folder by seeds or models: what is added. Also finds a run that an earlier call
 * has already moved aside.
 */
async function growing(
  given: RunnableStudy,
  { cells }: Jobs,
): Promise<{ study: StudyConfig; growth?: Growth } | undefined> {
  const { folder } = given, record = await ownRecord(folder), aside = asideIn(cells);
  const moved = !record && await systemDisk.stat(join(aside, FILES.record)) !== undefined;
  if ((!record && !moved) || given.study.budget === "seconds") return undefined;
  if (record && cellsOf(given.study).length <= cellsOf(record.study).length) return undefined;
  const before = record ?? await readRecord(systemDisk, aside), study = await fittedSilently(given);
  const growth = growthOf(before.study, study), from = record ? folder : aside;
  if (!growth) {
    if (moved) await requireSame(aside, study);
    return moved ? { study } : undefined;
  }
  if (await readPart(systemDisk, from) === undefined) await requireWhole(systemDisk, from);
  await requireAlikeProgram(from, before, given);
  return { study, growth };
}

/** Moves the run that is extended aside. Returns its cells in the larger study, and the extensions for the record. */
async function aside(
  given: RunnableStudy,
  { cells }: Jobs,
  { study, growth }: { study: StudyConfig; growth?: Growth },
): Promise<{ old: Cell[] } & Pick<RunRecord, "extended">> {
  const { folder, display, origins } = given, held = growth && await lockWhole(folder);
  await held?.close();
  const own = { command: commandLine(), ...(origins && { origins }) };
  const record = await setAside(systemDisk, folder, { cells, study, own, growth });
  const part = await readPart(systemDisk, asideIn(cells));
  const old = cellsOf(study).filter(({ index }) => part?.cells.includes(index)), all = cellsOf(study).length;
  display.say(`${folder} is extended: ${old.length} of ${all} cells are there, ${all - old.length} are trained`);
  return { old, extended: record.extended };
}

/** Locks a run, so that no other process writes it. */
const lockWhole = async (folder: string) =>
  await systemDisk.stat(join(folder, FILES.record)) ? await lockFolder(systemDisk, folder) : undefined;

/**
 * Like `runAndWrite`, but a split study runs its cells in parallel processes. A finished run of the same study with fewer seeds
 * or models is extended; its cells are kept. After a stop, the same call continues with the cells in their folder. A run that
 * was started in one process continues in one process.
 */
export async function runInJobs(given: RunnableStudy, how: Jobs): Promise<{ run: Run; artifacts: string[] }> {
  const { folder, display } = given, { cells, jobs } = how, grown = await growing(given, how);
  if (!grown && (jobs === undefined || await ownRecord(folder))) {
    const apart = await systemDisk.stat(cells) !== undefined,
      whole = await systemDisk.stat(join(folder, FILES.checksums));
    if (jobs !== undefined && !apart && !whole) {
      display.say(`note: ${folder} was begun without --jobs, so it continues in one process`);
    }
    const made = await runAndWrite(given);
    return apart && await isOwn(cells) ? await ended(given, made, how) : made;
  }
  requireSameEverywhere(given.study);
  if (jobs !== undefined) requireJobs(given, jobs);
  await makeFolders(systemDisk, cells);
  const held = await systemDisk.lock(join(cells, LOCK), `process ${Deno.pid}`);
  if (!held) {
    throw new HymbaError(`another process works in ${cells}`, {
      hint: "wait for it or stop it, or choose another --out",
    });
  }
  try {
    const moved = grown && await aside(given, how, grown), ready = await preparedStudy(given);
    await trainCells(ready, how, moved?.old ?? []);
    // Speeds are measured with the threads of this process, so the record has its adapter.
    const own = { command: commandLine(), adapter: given.opened.adapter, ...(moved && { extended: moved.extended }) };
    await mergeRuns(systemDisk, [cells], { out: folder, own });
    const run = await runWithRestarts(ready);
    return await ended(given, { run, artifacts: await writeEverything(folder, run) }, how);
  } finally {
    await held.release();
  }
}

const LOCK = "jobs.lock";

/** Whether this module made a folder of cells; calls with --cell make others. */
const isOwn = async (cells: string): Promise<boolean> => await systemDisk.stat(join(cells, LOCK)) !== undefined;

/** Removes the folder of the cells, because the run is complete. Other files of a run that was extended are copied first. */
async function ended<T>({ folder }: RunnableStudy, made: T, { cells }: Jobs): Promise<T> {
  if (await systemDisk.stat(asideIn(cells))) {
    await copyOthers(systemDisk, folder, { cells });
    await writeChecksums(systemDisk, folder);
  }
  await removeTree(systemDisk, cells);
  return made;
}
