/**
 * This folder: the whole study, with arms, seeds, stages, resume, memory check and preference task.
 * Runs a study: every arm with every seed, into one run folder. The same call continues an interrupted study.
 */
import { join } from "node:path";
import type { RecallConfig, StudyConfig } from "../config/mod.ts";
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
import { onePiece } from "../data/parts.ts";
import {
  type Disk,
  lockFolder,
  LOG_START,
  type LogPosition,
  makeFolders,
  MetricsLog,
  requireSpace,
} from "../disk/mod.ts";
import { loadLatest } from "../params/checkpoint.ts";
import { Diverged } from "../errors.ts";
import { ParameterStore } from "../params/store.ts";
import { snapshotBytes } from "../train/snapshot.ts";
import { probeRecall } from "../eval/recall.ts";
import { requireCausal } from "../proof/require_causal.ts";
import { runArm } from "./arm.ts";
import type { ArmContext, StudyOptions } from "./arm_run.ts";
import { readStage } from "./arm_stage.ts";
import { type Cell, cellsOf, withArmsOf } from "./cells.ts";
import { requirePart } from "./part.ts";
import { type Preparation, prepare } from "./preparation.ts";
import { requireMemory } from "./require_memory.ts";
import { measureSpeeds } from "./speeds.ts";
import { readTestPart } from "./test_part.ts";
import { stagesOf } from "./stage_plans.ts";

/**
 * Runs a study, or the rest of one, or only some of its cells. An arm that diverges is reported, also by later calls; the
 * other arms continue. The measurements at the end of a study are left out if only some cells run.
 */
export async function runStudy(study: StudyConfig, options: StudyOptions): Promise<Run> {
  const { disk, folder, executor, onEvent } = options,
    cells = options.cells ?? cellsOf(study),
    own = withArmsOf(study, cells);
  await requireOwnFolder(disk, folder);
  await requireSpaceToBegin(disk, folder, own);
  const held = await lockFolder(disk, folder);
  try {
    requireMemory(executor, own);
    await requirePart(disk, folder, { study, cells: options.cells });
    const onProgress = (message: string) => onEvent?.({ kind: "text", arm: "", seed: 0, step: 0, steps: 0, message });
    const preparation = await prepare(disk, folder, { study, ...options, onProgress });
    try {
      executor.useTiles?.(preparation.record.tiles ?? {});
      for (const arm of own.arms) await requireCausal(executor, { ...arm, T: study.sequenceLength });
      await runCells(cells, { study, options, preparation });
      if (options.probe && study.recall) await probeAll(study.recall, cells, options);
      if (!options.cells) await endStudy(study, { ...options, ...preparation });
      return await loadRun(disk, folder);
    } finally {
      preparation.tokens.close?.();
    }
  } finally {
    // A call that fails before there is a record leaves nothing.
    await (await hasRecord(disk, folder).catch(() => true) ? held.close() : held.abandon());
  }
}

const hasRecord = async (disk: Disk, folder: string): Promise<boolean> =>
  await disk.stat(join(folder, FILES.record)) !== undefined;

/** Throws a HymbaError where a new run would stop at its first checkpoint because the disk is full. */
async function requireSpaceToBegin(disk: Disk, folder: string, { arms }: StudyConfig): Promise<void> {
  if (await hasRecord(disk, folder)) return;
  const sizes = arms.map(({ config }) => snapshotBytes(new ParameterStore(config)));
  await requireSpace(disk, folder, Math.max(0, ...sizes));
}

/** The measurements after all cells: the test part and speeds. */
async function endStudy(study: StudyConfig, given: StudyOptions & Preparation): Promise<void> {
  const { onEvent, environment: { command } } = given;
  if (given.test && !study.choosing) {
    const onModel = (of: { arm: string; seed: number }) => onEvent?.({ kind: "test", ...of, step: 0, steps: 0 });
    await readTestPart(study, { ...given, command, onModel });
  }
  await measureAll(study, given);
}

/** Trains and measures each cell that is not done yet. */
async function runCells(
  cells: readonly Cell[],
  { study, options, preparation }: { study: StudyConfig; options: StudyOptions; preparation: Preparation },
): Promise<void> {
  const { disk, folder, onEvent } = options, position = await resumePosition(cells, { study, disk, folder });
  const log = await MetricsLog.open(disk, join(folder, FILES.metrics), { position });
  for (const cell of cells) {
    const about = { arm: cell.arm.name, seed: cell.seed, step: 0, steps: 0 };
    onEvent?.({ ...about, kind: "arm" });
    const context = { ...options, ...preparation, log, study };
    const failure = await readFailure(disk, folder, about) ?? await runOrFail(cell, context);
    if (failure) onEvent?.({ ...about, kind: "failed", message: failure.message });
  }
  await log.sync();
}

const failurePath = (folder: string, { arm, seed }: { arm: string; seed: number }) =>
  join(armFolder(folder, arm, seed), "failure.json");

/** The reason why an arm diverged; undefined if it did not. Throws a HymbaError if the record of it is damaged. */
const readFailure = (disk: Disk, folder: string, of: { arm: string; seed: number }): Promise<Failure | undefined> =>
  readJson(disk, failurePath(folder, of), { as: failureOf });

/** Runs an arm. If it diverges, the reason is written to the log first, then to the record that closes the arm. */
async function runOrFail({ arm, seed }: Cell, context: ArmContext): Promise<Failure | undefined> {
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

/** Number of training tokens for the measurement of speeds. */
const SPEED_TOKENS = 2 ** 20;

/** Measures the speed of every arm that has a result, once. An interrupted measurement starts again. */
async function measureAll(
  study: StudyConfig,
  { disk, folder, executor, tokens, signal, onEvent, speedRounds: rounds = 0 }: StudyOptions & Preparation,
): Promise<void> {
  const path = join(folder, FILES.speeds);
  if (rounds === 0 || await disk.stat(path)) return;
  const trained = (await loadRun(disk, folder)).results.map(({ arm }) => arm);
  // A shorter training makes the updates of its trunk, so it has the same speed.
  const measured = study.arms.filter(({ name, trunk }) => !trunk && trained.includes(name));
  onEvent?.({ kind: "speeds", arm: "", seed: 0, step: 0, steps: 0 });
  // Shuffling all windows of a large text would take longer than the measurement.
  const sample = onePiece(tokens.train.tokens.subarray(0, Math.min(tokens.train.tokens.length, SPEED_TOKENS)));
  const place = { executor, study, tokens: sample, signal };
  await writeJson(disk, path, await measureSpeeds(measured, place, { rounds }));
}

/** Runs the recall probe of every arm that has no result. An interrupted probe starts again. */
async function probeAll(
  recall: RecallConfig,
  cells: readonly Cell[],
  { disk, folder, executor, signal, onEvent }: StudyOptions,
): Promise<void> {
  await makeFolders(disk, join(folder, "recall"));
  for (const { arm: { name }, seed } of cells) {
    const arm = recall.arms.find((one) => one.name === name), path = recallFile(folder, name, seed);
    if (!arm || await disk.stat(path)) continue;
    const onStep = (event: { step: number; steps: number; loss: number; tokens_per_s: number }) =>
      onEvent?.({ ...event, kind: "step", arm: name, seed, stage: "recall" });
    try {
      await writeJson(disk, path, await probeRecall(executor, arm, { recall, seed, signal, onStep }));
    } catch (error) {
      if (!(error instanceof Diverged)) throw error;
      onEvent?.({ kind: "failed", arm: name, seed, step: 0, steps: 0, stage: "recall", message: error.message });
    }
  }
}

/**
 * The position in the log that the newest checkpoint or finished stage stores. Later lines are of steps that will run again.
 */
async function resumePosition(
  cells: readonly Cell[],
  { study, disk, folder }: { study: StudyConfig; disk: Disk; folder: string },
): Promise<LogPosition> {
  let position: LogPosition = LOG_START;
  for (const { arm: { name: arm }, seed } of cells) {
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
  return position;
}
