/** The files about the test part: qualities, and losses of tokens. */
import { join } from "../system/path.ts";
import { type Disk, writeAtomic } from "../disk/mod.ts";
import { type Checked, object, optional, readAs } from "../file_schema.ts";
import { readJson, writeJson } from "./json_file.ts";
import { armFolder, FILES, testFile, testLossesFile } from "./paths.ts";
import type { ArmResult } from "./read_arm.ts";
import { type Reading, readReadings } from "./readings.ts";
import { armName, count, quality, type StageName, STAGES } from "./rules.ts";
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

/** All results on the test part. */
export interface TestPart {
  readonly results: readonly ArmTest[];
  readonly losses: readonly TokenLosses[];
  readonly baselines?: TestBaselines;
  readonly readings: readonly Reading[];
}

const armTestOf = (value: unknown, path: string): ArmTest => readAs(armTest, value, path);
const baselinesOf = (value: unknown, path: string): TestBaselines => readAs(baselines, value, path);

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
