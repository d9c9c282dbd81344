/** Gives cells to a cluster so that array.json knows of them at every moment, also when the command is killed. */
import { join } from "node:path";
import { makeFolders, systemDisk } from "../../core/disk/mod.ts";
import { type ArrayFile, type ArrayJob, PLACES, readArray, writeArray } from "./array_file.ts";
import { nextKubernetes, submitKubernetes } from "./kubernetes.ts";
import { foundSlurm, submitSlurm } from "./slurm.ts";

/** Nothing was submitted: array.json is what it was before. */
async function undo(file: ArrayFile, folder: string, { isNew }: { isNew: boolean }): Promise<void> {
  if (!(await readArray(folder)).submitting) return; // the engine has the cells, and the file names their job
  if (isNew) await systemDisk.remove(join(folder, PLACES.file));
  else await writeArray(folder, file);
}

/** Submits these cells and a merge after them. array.json is written before and after. */
export async function submitCells(
  file: ArrayFile,
  folder: string,
  { cells }: { cells: readonly number[] },
): Promise<ArrayJob> {
  const isNew = await systemDisk.stat(join(folder, PLACES.file)) === undefined;
  const begun = { ...file, submitting: { token: crypto.randomUUID().slice(0, 8), cells: [...cells] } };
  await makeFolders(systemDisk, folder);
  await writeArray(folder, begun);
  try {
    const job = await (file.engine === "slurm" ? submitSlurm : submitKubernetes)(begun, folder, { cells });
    await writeArray(folder, { ...file, jobs: [...file.jobs, job] });
    return job;
  } catch (error) {
    await undo(file, folder, { isNew });
    throw error;
  }
}

/** The array of a folder. Where a submission was killed, the engine is asked what it has got of it. */
export async function currentArray(folder: string): Promise<ArrayFile> {
  const file = await readArray(folder), { submitting, ...rest } = file;
  if (!submitting) return file;
  // A Job of Kubernetes has its name before it is there. Where it never came, its cells are open, and are healed.
  const job = file.engine === "slurm" ? await foundSlurm(file) : nextKubernetes(file, folder, submitting);
  const known = { ...rest, jobs: [...file.jobs, ...(job ? [job] : [])] };
  await writeArray(folder, known);
  return known;
}
