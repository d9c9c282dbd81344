/** The files about the test part: qualities, losses of tokens, and the list of all evaluations on it. */
import { join } from "../system/path.ts";
import { type Disk, writeAtomic } from "../disk/mod.ts";
import { UsageError } from "../errors.ts";
import { type Checked, list, object, oneOf, optional, readAs, text } from "../file_schema.ts";
import { readJson, writeJson } from "./json_file.ts";
import { armFolder, FILES, testFile, testLossesFile } from "./paths.ts";
import type { ArmResult } from "./read_arm.ts";
import { armName, count, long, quality, RECORD_LIMITS, stage, type StageName, STAGES } from "./rules.ts";
import { encodeLosses, readLosses, type TokenLosses } from "./token_losses.ts";

const measured = object(quality);

const armTest = object({
  arm: armName,
  seed: count,
  /** Loss, perplexity and bits per byte on the test part after each stage. */
  stages: object({ pretraining: optional(measured), orpo: optional(measured), control: optional(measured) }),
});

/** The results of one trained arm on the test part: arms/NAME-SEED/test.json. */
export type ArmTest = Checked<typeof armTest>;

const baselines = object({ unigram: measured, bigram: measured });

/** Baselines on the test part: test.json. */
export type TestBaselines = Checked<typeof baselines>;

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

const readings = object({ format: oneOf([1]), readings: list(reading, { max: RECORD_LIMITS.samples }) });

/** All results on the test part. */
export interface TestPart {
  readonly results: readonly ArmTest[];
  readonly losses: readonly TokenLosses[];
  readonly baselines?: TestBaselines;
  readonly readings: readonly Reading[];
}

const armTestOf = (value: unknown, path: string): ArmTest => readAs(armTest, value, path);
const baselinesOf = (value: unknown, path: string): TestBaselines => readAs(baselines, value, path);
const readingsOf = (value: unknown, path: string) => readAs(readings, value, path);

/** The test result of an arm; undefined if there is none. Throws a HymbaError if it is damaged. */
export const readArmTest = (disk: Disk, folder: string, { arm, seed }: Pick<ArmTest, "arm" | "seed">) =>
  readJson(disk, join(armFolder(folder, arm, seed), testFile), { as: armTestOf });

/** Writes the losses of the test tokens (nats) after each stage, then the result, which marks the arm as tested. */
export async function writeArmTest(
  disk: Disk,
  folder: string,
  { result, losses }: { result: ArmTest; losses: ReadonlyMap<StageName, Float32Array> },
): Promise<void> {
  const own = armFolder(folder, result.arm, result.seed);
  for (const [stage, nats] of losses) await writeAtomic(disk, join(own, testLossesFile(stage)), encodeLosses(nats));
  await writeJson(disk, join(own, testFile), result);
}

/** All evaluations on the test part so far. */
const readReadings = async (disk: Disk, folder: string): Promise<readonly Reading[]> =>
  (await readJson(disk, join(folder, FILES.readings), { as: readingsOf }))?.readings ?? [];

/** Adds an evaluation to the list. Call it before the evaluation. Throws a UsageError if the list is full. */
export async function addReading(disk: Disk, folder: string, added: Omit<Reading, "when">): Promise<void> {
  const before = await readReadings(disk, folder);
  if (before.length >= RECORD_LIMITS.samples) {
    throw new UsageError(`${join(folder, FILES.readings)} is full`, {
      expected: `at most ${RECORD_LIMITS.samples} readings of the test part`,
      hint: "results on a test part that was used so often mean nothing; choose another one in a new run",
    });
  }
  const all = [...before, { when: new Date().toISOString(), ...added }];
  await writeJson(disk, join(folder, FILES.readings), { format: 1, readings: all });
}

/** Merges the lists of several runs, sorted by time. An evaluation that is in two of them is listed once. */
export async function mergeReadings(disk: Disk, into: string, { from }: { from: readonly string[] }): Promise<void> {
  const all = new Map<string, Reading>();
  for (const folder of [into, ...from]) {
    for (const one of await readReadings(disk, folder)) all.set(JSON.stringify(one), one);
  }
  if (all.size === 0) return;
  const sorted = [...all.values()].sort((a, b) => a.when < b.when ? -1 : 1);
  await writeJson(disk, join(into, FILES.readings), { format: 1, readings: sorted });
}

export const writeTestBaselines = (disk: Disk, folder: string, found: TestBaselines): Promise<void> =>
  writeJson(disk, join(folder, FILES.test), found);

/** The test results of a run with these arms; undefined if there are none. */
export async function loadTestPart(
  disk: Disk,
  folder: string,
  given: readonly Pick<ArmResult, "arm" | "seed">[],
): Promise<TestPart | undefined> {
  const results: ArmTest[] = [], losses: TokenLosses[] = [];
  for (const { arm, seed } of given) {
    const found = await readArmTest(disk, folder, { arm, seed });
    if (!found) continue;
    results.push(found);
    for (const stage of STAGES) {
      if (!found.stages[stage]) continue;
      const path = join(armFolder(folder, arm, seed), testLossesFile(stage));
      losses.push({ arm, seed, stage, nats: await readLosses(disk, path) });
    }
  }
  const baselines = await readJson(disk, join(folder, FILES.test), { as: baselinesOf });
  const readings = await readReadings(disk, folder);
  return results.length + readings.length === 0 ? undefined : { results, losses, baselines, readings };
}
