/** sweep.json: the trials of a sweep, their results and the choice. */
import { join } from "../system/path.ts";
import type { Value } from "../config/mod.ts";
import type { Disk } from "../disk/mod.ts";
import { UsageError } from "../errors.ts";
import {
  type Checked,
  custom,
  digest,
  list,
  mapOf,
  number,
  object,
  oneOf,
  optional,
  readAs,
  text,
  whole,
} from "../file_schema.ts";
import { readJson } from "./json_file.ts";
import { armName, count, long, name, RECORD_LIMITS } from "./rules.ts";

/** The files of a sweep's folder, besides one folder for each round. */
export const SWEEP_FILES = { record: "sweep.json", csv: "sweep.csv", chart: "sweep.png" } as const;

/** The run folder of a round, counted from 1. */
export const roundFolder = (folder: string, round: number): string => join(folder, `round-${round}`);

/** A value of a key: plain, or lists of plain values that may be nested once more. */
function isValue(value: unknown, depth = 2): value is Value {
  if (Array.isArray(value)) return depth > 0 && value.every((item) => isValue(item, depth - 1));
  return typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
}

const value = custom<unknown>((given) => isValue(given), "a value of a key");
const point = mapOf(value, { max: 16 });
const trial = {
  arm: armName,
  /** The name of the arm in the run of its round. */
  name: armName,
  point,
  round: whole({ min: 1, max: 64 }),
  /** Nats per token on the development part; no loss if the training diverged. */
  losses: list(object({ seed: count, loss: optional(number()) }), { min: 1, max: RECORD_LIMITS.seeds }),
};

const sweep = object({
  format: oneOf([1]),
  /** The name of the study, and the text. */
  study: name,
  corpus: object({ name: text(), sha256: digest }),
  over: list(object({ path: text(), values: list(value, { min: 1, max: RECORD_LIMITS.arms }) }), { min: 1, max: 16 }),
  perArm: oneOf([true, false]),
  extend: count,
  seeds: list(count, { min: 1, max: RECORD_LIMITS.seeds }),
  rounds: whole({ min: 1, max: 64 }),
  trials: list(object(trial), { min: 1, max: 64 * RECORD_LIMITS.arms }),
  choices: list(object({ arm: armName, point, loss: number(), edge: list(text(), { max: 16 }) }), {
    max: RECORD_LIMITS.arms,
  }),
  /** The values of the study's keys that all trials share, as JSON. */
  values: mapOf(long, { max: RECORD_LIMITS.origins }),
});

type Point = Readonly<Record<string, Value>>;
type Stored = Checked<typeof sweep>;

/** The result of a sweep. */
export type SweepRecord = Omit<Stored, "over" | "trials" | "choices"> & {
  readonly over: readonly { readonly path: string; readonly values: readonly Value[] }[];
  readonly trials: readonly (Omit<Stored["trials"][number], "point"> & { readonly point: Point })[];
  readonly choices: readonly (Omit<Stored["choices"][number], "point"> & { readonly point: Point })[];
};

/** sweep.json. Throws a HymbaError with the file and the place of the first value that is wrong. */
const sweepRecordOf = (found: unknown, path: string): SweepRecord => readAs(sweep, found, path) as SweepRecord;

/** The record of a finished sweep. Throws a UsageError if the folder has none. */
export async function readSweep(disk: Disk, folder: string): Promise<SweepRecord> {
  const path = join(folder, SWEEP_FILES.record), record = await readJson(disk, path, { as: sweepRecordOf });
  if (record) return record;
  const begun = await disk.stat(roundFolder(folder, 1)) !== undefined, exists = await disk.stat(folder) !== undefined;
  throw new UsageError(`${folder} is not a finished sweep`, {
    expected: `a folder with ${SWEEP_FILES.record}`,
    got: begun ? "a sweep that was not finished" : exists ? "something else" : "no such folder",
    hint: begun ? "repeat the command that started it; it continues" : "hymba sweep makes one",
  });
}
