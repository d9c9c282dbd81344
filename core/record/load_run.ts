/** Reads a run folder. */
import { join } from "../system/path.ts";
import { mainArm } from "../config/mod.ts";
import { type Disk, readLog } from "../disk/mod.ts";
import { HymbaError, UsageError } from "../errors.ts";
import { loadStudent } from "../student.ts";
import { readMaps } from "./attention_maps.ts";
import { readJson } from "./json_file.ts";
import { armFolder, attentionFile, FILES, lossesFile, recallFile } from "./paths.ts";
import { type ArmResult, armResultOf, type RecallResult, recallResultOf } from "./read_arm.ts";
import { MODEL_FILES } from "./model_folder.ts";
import { type MetricsLine, metricsLineOf, type RunRecord, runRecordOf } from "./read_run.ts";
import { type StageName, STAGES } from "./rules.ts";
import { loadTestPart } from "./test_part.ts";
import { readLosses, type TokenLosses } from "./token_losses.ts";
import type { AttentionMap, Run } from "./types.ts";
import { speedsOf } from "./speeds.ts";

/** The record of a run; UsageError when the folder holds none. */
export async function readRecord(disk: Disk, folder: string): Promise<RunRecord> {
  const record = await readJson(disk, join(folder, FILES.record), { as: runRecordOf });
  if (record) return record;
  const imported = await disk.stat(join(folder, MODEL_FILES.model)) !== undefined;
  throw new UsageError(`${folder} is ${imported ? "one imported model and " : ""}not a run`, {
    expected: `a folder with ${FILES.record}`,
    hint: `${
      imported ? "generate, export and evaluate --text take it; " : ""
    }name a run directory, or make one with hymba ablate`,
  });
}

/** A run with all its finished arms, read from its folder. Throws a HymbaError with the place of a value that is wrong. */
export async function loadRun(disk: Disk, folder: string): Promise<Run> {
  const record = await readRecord(disk, folder), results = await loadResults(disk, folder, record);
  // Intervals need it, and the functions that compute them are synchronous.
  await loadStudent();
  return {
    record,
    results,
    metrics: await loadMetrics(disk, folder),
    tokenLosses: await loadTokenLosses(disk, folder, results),
    test: await loadTestPart(disk, folder, results),
    recall: await loadRecall(disk, folder, record),
    speeds: await readJson(disk, join(folder, FILES.speeds), { as: speedsOf }),
    attention: await loadAttention(disk, folder, record),
  };
}

/** A run without the parts that take long to read: losses of tokens, test part and attention. Also works during training. */
export async function loadCurves(disk: Disk, folder: string): Promise<Run> {
  const record = await readRecord(disk, folder);
  await loadStudent();
  return {
    record,
    results: await loadResults(disk, folder, record),
    metrics: await loadMetrics(disk, folder),
    tokenLosses: [],
    recall: await loadRecall(disk, folder, record),
    speeds: await readJson(disk, join(folder, FILES.speeds), { as: speedsOf }),
    attention: {},
  };
}

/** The finished arms of a run, in the order of its study. */
export async function loadResults(
  disk: Disk,
  folder: string,
  { study }: Pick<RunRecord, "study">,
): Promise<ArmResult[]> {
  const found: ArmResult[] = [];
  for (const seed of study.seeds) {
    for (const { name } of study.arms) {
      const path = join(armFolder(folder, name, seed), "result.json");
      const result = await readJson(disk, path, { as: armResultOf });
      if (result) found.push(result);
    }
  }
  return found;
}

async function loadMetrics(disk: Disk, folder: string): Promise<MetricsLine[]> {
  const path = join(folder, FILES.metrics);
  if (!await disk.stat(path)) return [];
  return (await readLog(disk, path)).map((line, i) => metricsLineOf(line, `${path}, line ${i + 1}`));
}

async function loadTokenLosses(disk: Disk, folder: string, results: readonly ArmResult[]): Promise<TokenLosses[]> {
  const found: TokenLosses[] = [];
  for (const { arm, seed } of results) {
    for (const stage of STAGES) {
      const path = join(armFolder(folder, arm, seed), lossesFile(stage));
      if (await disk.stat(path)) found.push({ arm, seed, stage, nats: await readLosses(disk, path) });
    }
  }
  return found;
}

async function loadAttention(disk: Disk, folder: string, { study }: RunRecord): Promise<Run["attention"]> {
  const arm = mainArm(study), [seed] = study.seeds, attention: Partial<Record<StageName, AttentionMap[]>> = {};
  if (arm === undefined || seed === undefined) return attention;
  for (const stage of STAGES) {
    const path = join(armFolder(folder, arm, seed), attentionFile(stage));
    if (await disk.stat(path)) attention[stage] = await readMaps(disk, path);
  }
  return attention;
}

async function loadRecall(disk: Disk, folder: string, { study }: RunRecord): Promise<RecallResult[]> {
  const found: RecallResult[] = [];
  for (const seed of study.seeds) {
    for (const { name } of study.recall?.arms ?? []) {
      const path = recallFile(folder, name, seed), result = await readJson(disk, path, { as: recallResultOf });
      if (!result) continue;
      const got = result.accuracies.length, expected = study.recall?.ranges.length;
      if (got !== expected) {
        throw new HymbaError(`${path} does not belong to its run`, {
          expected: `${expected} accuracies, one for each range of distances`,
          got: String(got),
        });
      }
      found.push(result);
    }
  }
  return found;
}
