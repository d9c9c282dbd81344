/** Submits cells to a cluster such that array.json is correct at every moment, also after a kill. */
import { join } from "node:path";
import { makeFolders, systemDisk } from "../../core/disk/mod.ts";
import { type ArrayFile, type ArrayJob, PLACES, readArray, writeArray } from "./array_file.ts";
import { nextKubernetes, submitKubernetes } from "./kubernetes.ts";
import { foundSlurm, submitSlurm } from "./slurm.ts";

/** Nothing was submitted, so array.json is restored. */
async function undo(file: ArrayFile, folder: string, { isNew }: { isNew: boolean }): Promise<void> {
  if (!(await readArray(folder)).submitting) return; // the engine has the cells, and the file has the id of their job
  if (isNew) await systemDisk.remove(join(folder, PLACES.file));
  else await writeArray(folder, file);
}

/** Submits these cells and the last job after them; without cells only that. array.json is written before and after. */
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

/** The array of a folder. After a killed submission, the engine is asked whether it received the job. */
export async function currentArray(folder: string): Promise<ArrayFile> {
  const file = await readArray(folder), { submitting, ...rest } = file;
  if (!submitting) return file;
  // The name of a Kubernetes Job is known before the Job exists. If it was never created, its cells stay open, and `heal`
  // submits them.
  const job = file.engine === "slurm" ? await foundSlurm(file) : nextKubernetes(file, folder, submitting);
  const known = { ...rest, jobs: [...file.jobs, ...(job ? [job] : [])] };
  await writeArray(folder, known);
  return known;
}
