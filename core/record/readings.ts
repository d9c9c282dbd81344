/** The list of all evaluations on the test part: `test_readings` in run.json. */
import { join } from "../system/path.ts";
import type { Disk } from "../disk/mod.ts";
import { UsageError } from "../errors.ts";
import { type Checked, isObject, list, object, oneOf, readAs, text } from "../file_schema.ts";
import { readJson, writeJson } from "./json_file.ts";
import { FILES } from "./paths.ts";
import { armName, count, long, RECORD_LIMITS, stage, STAGES } from "./rules.ts";

const reading = object({
  when: text({ max: 64 }),
  command: long,
  /** study: the evaluation of all models without a result. The others were requested by the user. */
  by: oneOf(["study", "evaluate", "verify"]),
  models: list(object({ arm: armName, seed: count, stages: list(stage, { max: STAGES.length }) }), {
    max: RECORD_LIMITS.samples,
  }),
});

/** One evaluation on the test part. It is written before the evaluation, so that an evaluation that was killed counts, too. */
export type Reading = Checked<typeof reading>;

export const readings = list(reading, { max: RECORD_LIMITS.samples });

/** Older runs have the list in a file of its own. */
const older = object({ format: oneOf([1]), readings });

const stored = (value: unknown) => isObject(value) ? value : {};
const ofRecord = (value: unknown, path: string): readonly Reading[] =>
  readAs(readings, stored(value)["test_readings"] ?? [], `${path}, test_readings`);

/** All evaluations on the test part of a run so far, the first one first. */
export async function readReadings(disk: Disk, folder: string): Promise<readonly Reading[]> {
  const own = await readJson(disk, join(folder, FILES.record), { as: ofRecord }) ?? [];
  const as = (value: unknown, path: string) => readAs(older, value, path).readings;
  return inOrder([...await readJson(disk, join(folder, FILES.readings), { as }) ?? [], ...own]);
}

/** The readings by time, each once. */
function inOrder(all: readonly Reading[]): Reading[] {
  const once = new Map(all.map((one) => [JSON.stringify(one), one]));
  return [...once.values()].sort((a, b) => a.when < b.when ? -1 : 1);
}

/** Adds an evaluation to the list. Call it before the evaluation. Throws a UsageError if the list is full. */
export async function addReading(disk: Disk, folder: string, added: Omit<Reading, "when">): Promise<void> {
  const before = await readReadings(disk, folder), path = join(folder, FILES.record);
  if (before.length >= RECORD_LIMITS.samples) {
    throw new UsageError(`test_readings in ${path} is full`, {
      expected: `at most ${RECORD_LIMITS.samples} readings of the test part`,
      hint: "results on a test part that was used so often mean nothing; choose another one in a new run",
    });
  }
  const all = [...before, { when: new Date().toISOString(), ...added }];
  await writeJson(disk, path, { ...await readJson(disk, path, { as: stored }), test_readings: all });
}

/** The lists of several runs as a field of a record. A reading that is in two of them is listed once. No field if there is none. */
export async function joinedReadings(
  disk: Disk,
  folders: readonly string[],
): Promise<{ test_readings?: readonly Reading[] }> {
  const all: Reading[] = [];
  for (const folder of folders) all.push(...await readReadings(disk, folder));
  return all.length === 0 ? {} : { test_readings: inOrder(all) };
}
