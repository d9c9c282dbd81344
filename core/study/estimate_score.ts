/**
 * A record of the program's own estimates and of the actual times, by machine and backend, in the cache folder. All intervals
 * of estimates come from it.
 */
import { cpus } from "node:os";
import { join } from "node:path";
import { cacheFolder, exclusively } from "../disk/cache_folder.ts";
import { type Disk, DiskError, makeFolders, sha256, writeShared } from "../disk/mod.ts";
import { type Checked, list, number, object, oneOf, readAs, text } from "../file_schema.ts";
import { at, mean } from "../lists.ts";
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
  /** Contains nine of ten actual times, if the machine has not changed. Absent before three estimates of this size were compared. */
  readonly interval?: readonly [least: number, most: number];
  /** Number of compared estimates of about this size behind it. */
  readonly from: number;
  /** How a counted time was corrected; absent if nothing was compared. */
  readonly correction?: Correction;
}

/** The median by which a counted time was multiplied, and between what the factors of the runs lie. */
export interface Correction {
  readonly factor: number;
  readonly runs: number;
  readonly least: number;
  readonly most: number;
}

/** Number of runs that correct a time: the median of five is right while two of them were disturbed. */
const USED = 5;
/** Fewest runs of about the size for an interval. */
const LEAST = 3;
/** Runs of about the size are up to so many times longer or shorter. */
const NEAR = 4;

/**
 * The factor on an estimate of `seconds` that a run suggests: its actual time divided by its estimated time. For a much shorter run
 * only the excess seconds count, because most of them are its start and its measurements, which a longer run has once, too.
 */
function factorFrom({ predicted_s, actual_s }: ScoreEntry, seconds: number): number {
  const more = actual_s - predicted_s;
  return predicted_s * NEAR < seconds && more > 0 ? 1 + more / seconds : actual_s / predicted_s;
}

/** The latest runs of about a size. They are of one kind if there are enough of it, else of both. */
function likeRuns(
  entries: readonly ScoreEntry[],
  { seconds, what }: { seconds: number; what: Estimated },
): ScoreEntry[] {
  const like = entries.filter(({ predicted_s }) => predicted_s * NEAR >= seconds && predicted_s <= seconds * NEAR);
  const own = like.filter((one) => one.what === what);
  return (own.length < LEAST ? like : own).slice(-USED);
}

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b), half = sorted.length / 2;
  return (at(sorted, Math.ceil(half) - 1) + at(sorted, Math.floor(half))) / 2;
};

/** The prediction interval of Student's t around a median (natural logarithms). */
async function widthOf(logs: readonly number[]): Promise<number> {
  await loadStudent();
  const n = logs.length, middle = mean(logs);
  const deviation = Math.sqrt(logs.reduce((sum, log) => sum + (log - middle) ** 2, 0) / (n - 1));
  // The variance of a median of n is about π / 2n of the variance of one.
  return studentQuantile(0.95, n - 1) * deviation * Math.sqrt(1 + Math.PI / (2 * n));
}

/**
 * Corrects a counted time by earlier runs on the machine: by the median of actual time divided by counted time over the latest
 * five runs of about its size. If there are fewer than three of these, the runs that are nearest in size count as well, and
 * there is no interval. Without earlier runs the time is not changed.
 */
export async function corrected(
  seconds: number,
  { entries, what }: { entries: readonly ScoreEntry[]; what: Estimated },
): Promise<TimeEstimate> {
  const usable = entries.filter(({ predicted_s, actual_s }) => predicted_s > 0 && actual_s > 0);
  const like = seconds > 0 ? likeRuns(usable, { seconds, what }) : [], isEnough = like.length >= LEAST;
  const distance = ({ predicted_s }: ScoreEntry) => Math.abs(Math.log(predicted_s / seconds));
  const others = usable.filter((one) => !like.includes(one)).toReversed().toSorted((a, b) => distance(a) - distance(b));
  const used = isEnough || !(seconds > 0) ? like : [...like, ...others].slice(0, USED), from = like.length;
  if (used.length === 0) return { seconds, from };
  const logs = used.map((one) => Math.log(factorFrom(one, seconds))), factor = Math.exp(median(logs));
  const factors = logs.map(Math.exp), middle = seconds * factor;
  const correction = { factor, runs: used.length, least: Math.min(...factors), most: Math.max(...factors) };
  if (!isEnough) return { seconds: middle, from, correction };
  const width = Math.exp(await widthOf(logs));
  return { seconds: middle, interval: [middle / width, middle * width], from, correction };
}

/** Memory of the program besides its plans (bytes). A guess, used before anything was measured. */
const PROGRAM_BYTES = 400 * 2 ** 20;

/** Largest memory of a process besides its plans in the compared estimates (bytes). */
export const besidePlans = (entries: readonly ScoreEntry[]): number =>
  entries.length === 0
    ? PROGRAM_BYTES
    : Math.max(...entries.map(({ predicted_bytes, actual_bytes }) => actual_bytes - predicted_bytes), 0);
