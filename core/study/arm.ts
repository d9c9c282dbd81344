/**
 * Runs one arm of a study with one seed: both training stages and the control, each resumable, and the measurements after
 * each.
 */
import { join } from "node:path";
import { type Arm, cacheSize, studyOfArm } from "../config/mod.ts";
import { makeFolders } from "../disk/mod.ts";
import { at } from "../lists.ts";
import { parameterCount } from "../params/specs.ts";
import { ParameterStore } from "../params/store.ts";
import { armFolder, type ArmResult, type StageName, type StageRecord, writeJson } from "../record/mod.ts";
import type { ArmContext, ArmRun } from "./arm_run.ts";
import { readStage, runArmStage } from "./arm_stage.ts";
import { stagesOf } from "./stage_plans.ts";

/** Does the trainings and measurements that are not done yet, and writes result.json. */
export async function runArm({ name: arm, config }: Arm, seed: number, given: ArmContext): Promise<ArmResult> {
  const context = { ...given, study: studyOfArm(given.study, { name: arm }) };
  const { disk, executor, study } = context, folder = armFolder(context.folder, arm, seed);
  await makeFolders(disk, folder);
  const store = new ParameterStore(config), run: ArmRun = { ...context, arm, seed, folder, store };
  try {
    const records: [StageName, StageRecord][] = [];
    for (const stage of stagesOf(study)) {
      records.push([stage, await readStage(disk, folder, stage) ?? await runArmStage(run, stage)]);
      if (stage === context.lastStage) break;
    }
    const [, { memory }] = at(records, 0);
    const result: ArmResult = {
      arm,
      seed,
      parameters: parameterCount(config),
      cache: cacheSize(config, study.sequenceLength),
      memory,
      stages: Object.fromEntries(records.map(([stage, { result }]) => [stage, result])),
      samples: records.flatMap(([, { samples }]) => samples),
    };
    await writeJson(disk, join(folder, "result.json"), result);
    return result;
  } finally {
    store.release(executor);
  }
}
