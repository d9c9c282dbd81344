/**
 * A record of the program's own estimates and of the actual times, by machine and backend, in the cache folder. All intervals
 * of estimates come from it.
 */
import { cpus } from "node:os";
import { join } from "node:path";
import { cacheFolder, exclusively } from "../disk/cache_folder.ts";
import { type Disk, DiskError, makeFolders, sha256, writeShared } from "../disk/mod.ts";
import { type Checked, list, number, object, oneOf, readAs, text } from "../file_schema.ts";
import { jsonText, readJson, type RunRecord } from "../record/mod.ts";
import { loadStudent, studentQuantile } from "../student.ts";

/** What was estimated: one cell, or a whole study including the measurements at its end. */
export type Estimated = "cell" | "study";

const entry = object({
  when: text({ max: 64 }),
  what: oneOf(["cell", "study"]),
  /** Seconds before a correction by this record. */
  predicted_s: number({ min: 0 }),
  actual_s: number({ min: 0 }),
  /** Bytes that the plans need, and the largest memory of the process. */
  predicted_bytes: number({ min: 0 }),
  actual_bytes: number({ min: 0 }),
});

/** One estimate with the actual values. */
export type ScoreEntry = Checked<typeof entry>;

/** Most entries. Newer ones replace older ones. */
const MOST = 40;
const score = object({ format: oneOf([1]), machine: text({ max: 1024 }), entries: list(entry, { max: MOST }) });

type Machine = Pick<RunRecord, "backend" | "adapter">;

const machineOf = ({ backend, adapter }: Machine): string =>
  JSON.stringify([backend, Object.entries(adapter).sort(), cpus()[0]?.model ?? "", cpus().length]);

const pathOf = (machine: Machine, folder: string) =>
  join(folder, "estimates", `${sha256(machineOf(machine)).slice(0, 32)}.json`);

/** The estimates of a machine and backend that were compared, oldest first. Throws a HymbaError when the file is damaged. */
export async function readScore(disk: Disk, machine: Machine, folder = cacheFolder()): Promise<readonly ScoreEntry[]> {
  const as = (value: unknown, path: string) => readAs(score, value, path);
  return (await readJson(disk, pathOf(machine, folder), { as }))?.entries ?? [];
}

/** Longest wait for another process that adds an entry (ms). Adding takes a few milliseconds. */
const MOST_WAIT = 5000;

/**
 * Adds an estimate with its actual values. Processes that share the cache folder, also on other machines, add their entries
 * one after another. Where the file system has no locks, entries that are added at the same moment may replace each other.
 */
export async function keepScore(
  disk: Disk,
  machine: Machine,
  { entry, folder = cacheFolder() }: { entry: Omit<ScoreEntry, "when">; folder?: string },
): Promise<void> {
  const path = pathOf(machine, folder);
  const work = async () => {
    const entries = [...await readScore(disk, machine, folder), { when: new Date().toISOString(), ...entry }];
    await writeShared(disk, path, jsonText({ format: 1, machine: machineOf(machine), entries: entries.slice(-MOST) }));
  };
  await makeFolders(disk, join(folder, "estimates"));
  try {
    await exclusively(disk, `${path}.lock`, { work, mostWait: MOST_WAIT });
  } catch (error) {
    if (!(error instanceof DiskError) || error.code !== "NO_LOCKS") throw error;
    await work();
  }
}

/** An estimated time. */
export interface TimeEstimate {
  readonly seconds: number;
  /** Contains nine of ten actual times, if the machine has not changed. Absent before two estimates were compared. */
  readonly interval?: readonly [least: number, most: number];
  /** Number of compared estimates behind it. */
  readonly from: number;
}

/** Number of latest estimates that are used. They say more about the present than older ones. */
const LATEST = 12;

/**
 * Corrects a time by earlier estimates of its kind: by the mean logarithm of actual time divided by predicted time. The
 * interval is the prediction interval of Student's t. If there are only estimates of the other kind, they correct the time, and
 * there is no interval; so cells and the whole study agree. Without earlier estimates the time is not changed.
 */
export async function corrected(
  seconds: number,
  { entries, what }: { entries: readonly ScoreEntry[]; what: Estimated },
): Promise<TimeEstimate> {
  const usable = entries.filter(({ predicted_s, actual_s }) => predicted_s > 0 && actual_s > 0);
  const own = usable.filter((one) => one.what === what), known = own.length > 0 ? own : usable;
  const logs = known.slice(-LATEST).map(({ predicted_s, actual_s }) => Math.log(actual_s / predicted_s));
  const n = Math.min(own.length, LATEST),
    mean = logs.reduce((sum, log) => sum + log, 0) / Math.max(1, logs.length),
    middle = seconds * Math.exp(mean);
  if (n < 2) return { seconds: middle, from: n };
  await loadStudent();
  const deviation = Math.sqrt(logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / (n - 1));
  const factor = Math.exp(studentQuantile(0.95, n - 1) * deviation * Math.sqrt(1 + 1 / n));
  return { seconds: middle, interval: [middle / factor, middle * factor], from: n };
}

/** Memory of the program besides its plans (bytes). A guess, used before anything was measured. */
const PROGRAM_BYTES = 400 * 2 ** 20;

/** Largest memory of a process besides its plans in the compared estimates (bytes). */
export const besidePlans = (entries: readonly ScoreEntry[]): number =>
  entries.length === 0
    ? PROGRAM_BYTES
    : Math.max(...entries.map(({ predicted_bytes, actual_bytes }) => actual_bytes - predicted_bytes), 0);
