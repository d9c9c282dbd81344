/**
 * Shorter trainings that start from a checkpoint of a longer one, their trunk. They give the same bits as a training from the
 * start, in less time.
 */
import { dirname, join } from "node:path";
import { branchStep, studyOfArm } from "../config/mod.ts";
import { readLog, removeTree } from "../disk/mod.ts";
import { loadLatest, saveCheckpoint } from "../params/checkpoint.ts";
import { armFolder, FILES } from "../record/mod.ts";
import { branchFolder, type StagePlace } from "../train/stage.ts";
import type { ArmRun } from "./arm_run.ts";

/** The steps at which the branches of this arm and seed start from its checkpoints. */
export function branchesOf({ study, arm, seed, cells, branchCells = [] }: ArmRun): number[] {
  const own = study.arms.filter(({ name, trunk }) =>
    trunk === arm &&
    (cells === undefined || [...cells, ...branchCells].some((cell) => cell.arm.name === name && cell.seed === seed))
  );
  return own.map((branch) => branchStep(studyOfArm(study, branch).pretraining));
}

/**
 * Copies to an arm with a trunk the checkpoint of its branch step, and the log up to that step. Does nothing if the arm has
 * already started, or if the checkpoint does not exist; the arm then trains from the start.
 */
export async function startFromTrunk(run: ArmRun, { disk, folder, stage }: StagePlace): Promise<void> {
  const { study, arm, seed, log } = run, trunk = study.arms.find(({ name }) => name === arm)?.trunk;
  if (trunk === undefined) return;
  const root = run.trunkFolder ?? dirname(dirname(run.folder)), step = branchStep(study.pretraining);
  const kept = branchFolder(join(armFolder(root, trunk, seed), "checkpoints"), step);
  if (!await loadLatest(disk, folder, { stage })) {
    const found = await loadLatest(disk, kept, { stage });
    if (!found) return;
    await log.sync();
    for (const line of await readLog(disk, join(root, FILES.metrics))) {
      const isOwn = line.arm === trunk && line.seed === seed && line.stage === stage;
      if (isOwn && Number(line.step) <= step) await log.append({ ...line, arm });
    }
    const { score, groups, state } = found;
    await saveCheckpoint(disk, folder, { stage, step, score, groups, state, log: await log.sync() });
  }
  if (await disk.stat(kept)) await removeTree(disk, kept);
}
