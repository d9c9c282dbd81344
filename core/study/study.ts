/** Runs a study: every arm with every seed, into one run folder. The same call continues an interrupted study. */
import { join } from "node:path";
import type { Arm, RecallConfig, StudyConfig } from "../config/mod.ts";
import {
  armFolder,
  type Failure,
  failureOf,
  FILES,
  loadRun,
  readJson,
  recallFile,
  requireOwnFolder,
  type Run,
  writeJson,
} from "../record/mod.ts";
import { type Disk, lockFolder, LOG_START, type LogPosition, makeFolders, MetricsLog } from "../disk/mod.ts";
import { loadLatest } from "../params/checkpoint.ts";
import { Diverged } from "../errors.ts";
import { probeRecall } from "../eval/recall.ts";
import { requireCausal } from "../proof/require_causal.ts";
import { runArm } from "./arm.ts";
import type { ArmContext, StudyOptions } from "./arm_run.ts";
import { readStage } from "./arm_stage.ts";
import { type Preparation, prepare } from "./preparation.ts";
import { requireMemory } from "./require_memory.ts";
import { measureSpeeds } from "./speeds.ts";
import { readTestPart } from "./test_part.ts";
import { stagesOf } from "./stage_plans.ts";

/** Runs a study, or the rest of one. An arm that diverges is reported, also by later calls; the other arms continue. */
export async function runStudy(study: StudyConfig, options: StudyOptions): Promise<Run> {
  const { disk, folder, executor, onEvent } = options;
  await requireOwnFolder(disk, folder);
  const held = await lockFolder(disk, folder);
  try {
    requireMemory(executor, study);
    const preparation = await prepare(disk, folder, { study, ...options });
    executor.useTiles?.(preparation.record.tiles ?? {});
    for (const arm of study.arms) await requireCausal(executor, { ...arm, T: study.sequenceLength });
    const log = await MetricsLog.open(disk, join(folder, FILES.metrics), {
      position: await resumePosition(study, disk, folder),
    });
    for (const seed of study.seeds) {
      for (const arm of study.arms) {
        onEvent?.({ kind: "arm", arm: arm.name, seed, step: 0, steps: 0 });
        const context = { ...options, ...preparation, log, study };
        const failure = await readFailure(disk, folder, { arm: arm.name, seed }) ?? await runOrFail(arm, seed, context);
        if (!failure) continue;
        onEvent?.({ kind: "failed", arm: arm.name, seed, step: 0, steps: 0, message: failure.message });
      }
    }
    await log.sync();
    if (options.probe && study.recall) await probeAll(study.recall, study.seeds, options);
    if (options.test) {
      const onModel = (of: { arm: string; seed: number }) => onEvent?.({ kind: "test", ...of, step: 0, steps: 0 });
      await readTestPart(study, { ...options, ...preparation, command: options.environment.command, onModel });
    }
    await measureAll(study, { ...options, ...preparation });
    return await loadRun(disk, folder);
  } finally {
    await held.close();
  }
}

const failurePath = (folder: string, { arm, seed }: { arm: string; seed: number }) =>
  join(armFolder(folder, arm, seed), "failure.json");

/** Why an arm diverged, when it did. Throws a HymbaError when the record of it is damaged. */
const readFailure = (disk: Disk, folder: string, of: { arm: string; seed: number }): Promise<Failure | undefined> =>
  readJson(disk, failurePath(folder, of), { as: failureOf });

/** Runs an arm. When it diverges, the reason goes into the log first and then into the record that closes the arm. */
async function runOrFail(arm: Arm, seed: number, context: ArmContext): Promise<Failure | undefined> {
  const { log, disk, folder } = context;
  try {
    await runArm(arm, seed, context);
    return undefined;
  } catch (error) {
    if (!(error instanceof Diverged)) throw error;
    const { message } = error;
    await log.append({ arm: arm.name, seed, kind: "failure", message });
    const failure = { message, log: await log.sync() };
    await writeJson(disk, failurePath(folder, { arm: arm.name, seed }), failure);
    return failure;
  }
}

/** Measures the speed of every arm that has a result, once. An interrupted measurement starts again. */
async function measureAll(
  study: StudyConfig,
  { disk, folder, executor, tokens, signal, onEvent, speedRounds: rounds = 0 }: StudyOptions & Preparation,
): Promise<void> {
  const path = join(folder, FILES.speeds);
  if (rounds === 0 || await disk.stat(path)) return;
  const trained = (await loadRun(disk, folder)).results.map(({ arm }) => arm);
  const measured = study.arms.filter(({ name }) => trained.includes(name));
  onEvent?.({ kind: "speeds", arm: "", seed: 0, step: 0, steps: 0 });
  const place = { executor, study, tokens: tokens.train, signal };
  await writeJson(disk, path, await measureSpeeds(measured, place, { rounds }));
}

/** Runs the recall probe of every arm that has no result. An interrupted probe starts again. */
async function probeAll(
  recall: RecallConfig,
  seeds: readonly number[],
  { disk, folder, executor, signal, onEvent }: StudyOptions,
): Promise<void> {
  await makeFolders(disk, join(folder, "recall"));
  for (const seed of seeds) {
    for (const arm of recall.arms) {
      const path = recallFile(folder, arm.name, seed);
      if (await disk.stat(path)) continue;
      const onStep = (event: { step: number; steps: number; loss: number; tokens_per_s: number }) =>
        onEvent?.({ ...event, kind: "step", arm: arm.name, seed, stage: "recall" });
      try {
        await writeJson(disk, path, await probeRecall(executor, arm, { recall, seed, signal, onStep }));
      } catch (error) {
        if (!(error instanceof Diverged)) throw error;
        onEvent?.({ kind: "failed", arm: arm.name, seed, step: 0, steps: 0, stage: "recall", message: error.message });
      }
    }
  }
}

/** The position in the log that the newest checkpoint or finished stage names. Later lines belong to steps that will run again. */
async function resumePosition(study: StudyConfig, disk: Disk, folder: string): Promise<LogPosition> {
  let position: LogPosition = LOG_START;
  for (const seed of study.seeds) {
    for (const { name: arm } of study.arms) {
      const failure = await readFailure(disk, folder, { arm, seed });
      if (failure) {
        position = failure.log;
        continue;
      }
      for (const stage of stagesOf(study)) {
        const of = armFolder(folder, arm, seed), done = await readStage(disk, of, stage);
        if (!done) return (await loadLatest(disk, join(of, "checkpoints"), { stage }))?.log ?? position;
        position = done.log;
      }
    }
  }
  return position;
}
