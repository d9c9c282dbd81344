/** The state of a run folder, read only from its files: for lists of runs, and to watch a run of another process. */
import { join } from "../system/path.ts";
import { type Disk, DiskError } from "../disk/mod.ts";
import { HymbaError } from "../errors.ts";
import { readJson } from "./json_file.ts";
import { loadResults, readRecord } from "./load_run.ts";
import { readPart } from "./part.ts";
import { armFolder, FILES } from "./paths.ts";
import { failureOf } from "./read_arm.ts";
import type { ArmResult } from "./read_arm.ts";
import type { RunRecord } from "./read_run.ts";

/**
 * `running`: a process works in the folder. `finished`: every cell is done and the files are written. `stopped`: neither; the
 * command that started it continues it. `damaged`: its record or a result cannot be read.
 */
export type RunState = "running" | "finished" | "stopped" | "damaged";

/** The state and results of a run folder. */
export interface RunStanding {
  readonly folder: string;
  readonly state: RunState;
  /** Bytes of all its files. */
  readonly bytes: number;
  /** For a damaged run: why it cannot be read, in one line. */
  readonly fault?: string;
  readonly record?: RunRecord;
  readonly results: readonly ArmResult[];
  /** Number of cells (one model with one seed) of this folder, of finished cells, and of those that diverged. */
  readonly cells: number;
  readonly done: number;
  readonly diverged: number;
}

/** The names in a folder. Empty if another process has removed the folder in the meantime. */
async function namesIn(disk: Disk, folder: string): Promise<string[]> {
  try {
    return await disk.list(folder);
  } catch (cause) {
    if (cause instanceof DiskError && cause.code === "ENOENT") return [];
    throw cause;
  }
}

/** Bytes of all files below a folder. Links are not followed. */
export async function bytesIn(disk: Disk, folder: string): Promise<number> {
  let sum = 0;
  for (const name of await namesIn(disk, folder)) {
    const path = join(folder, name), found = await disk.stat(path);
    if (found?.link) continue;
    sum += found?.kind === "folder" ? await bytesIn(disk, path) : found?.bytes ?? 0;
  }
  return sum;
}

/** Names of arms and seeds whose training diverged, `arm seed`. */
async function failuresIn(disk: Disk, folder: string, { study }: RunRecord): Promise<string[]> {
  const found: string[] = [];
  for (const seed of study.seeds) {
    for (const { name } of study.arms) {
      const path = join(armFolder(folder, name, seed), "failure.json");
      if (await readJson(disk, path, { as: failureOf })) found.push(`${name} ${seed}`);
    }
  }
  return found;
}

/** The state of a run folder. A damaged run has a state of its own. Throws a UsageError if the folder has no run. */
export async function readStanding(disk: Disk, folder: string): Promise<RunStanding> {
  const empty = { folder, results: [], cells: 0, done: 0, diverged: 0 };
  if (!await disk.stat(join(folder, FILES.record))) await readRecord(disk, folder);
  const bytes = await bytesIn(disk, folder);
  try {
    const record = await readRecord(disk, folder), part = await readPart(disk, folder);
    const results = await loadResults(disk, folder, record), failures = await failuresIn(disk, folder, record);
    const cells = part?.cells.length ?? record.study.arms.length * record.study.seeds.length;
    const done = new Set([...results.map(({ arm, seed }) => `${arm} ${seed}`), ...failures]).size;
    const written = await disk.stat(join(folder, FILES.checksums)) !== undefined;
    const whole = done >= cells && done > 0 && written;
    const running = await disk.isLocked(join(folder, FILES.lock));
    const state = running ? "running" : whole ? "finished" : "stopped";
    return { folder, state, bytes, record, results, cells, done, diverged: failures.length };
  } catch (cause) {
    if (!(cause instanceof HymbaError)) throw cause;
    return { ...empty, state: "damaged", bytes, fault: cause.message.split("\n", 1)[0] };
  }
}

/** Depth of the search for runs: a round of a sweep and a cell of a study are one level below the run folder. */
const DEPTH = 3;

/** The run folders below a folder, sorted by path. A folder inside a run is part of that run. */
export async function runFolders(disk: Disk, root: string, depth = DEPTH): Promise<string[]> {
  if ((await disk.stat(root))?.kind !== "folder") return [];
  if (await disk.stat(join(root, FILES.record))) return [root];
  if (depth === 0) return [];
  const found: string[] = [];
  for (const name of await disk.list(root)) {
    const path = join(root, name), entry = await disk.stat(path);
    if (entry?.kind === "folder" && !entry.link) found.push(...await runFolders(disk, path, depth - 1));
  }
  return found;
}
