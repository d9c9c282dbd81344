/**
 * Finds and deletes files of a run that no result needs: checkpoints of finished trainings, and temporary files of killed
 * processes.
 */
import { join, relative, sep } from "node:path";
import { type Disk, isTemporary, lockFolder, removeAtomic, removeTree } from "../disk/mod.ts";
import { UsageError } from "../errors.ts";
import { armFolder, bytesIn, FILES, readRecord } from "../record/mod.ts";
import { dropChecksums } from "./checksums.ts";

/** Something that can be deleted. */
export interface Deletable {
  readonly path: string;
  readonly what: "checkpoints" | "leftovers" | "run" | "cache";
  readonly bytes: number;
}

async function sizeOf(disk: Disk, path: string): Promise<number> {
  const found = await disk.stat(path);
  return found?.kind === "folder" && !found.link ? await bytesIn(disk, path) : found?.bytes ?? 0;
}

const CHECKPOINTS = "checkpoints";

/** Whether a folder exists below a run and no part of its path there is a link: a link leads out of the run. */
async function isInside(disk: Disk, run: string, path: string): Promise<boolean> {
  let at = run;
  for (const name of relative(run, path).split(sep)) {
    at = join(at, name);
    const found = await disk.stat(at);
    if (found?.kind !== "folder" || found.link) return false;
  }
  return true;
}

/** Paths below a folder that a killed process left half written. */
async function leftoversIn(disk: Disk, folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await disk.list(folder)) {
    const path = join(folder, name), entry = await disk.stat(path);
    if (isTemporary(name)) found.push(path);
    else if (entry?.kind === "folder" && !entry.link) found.push(...await leftoversIn(disk, path));
  }
  return found;
}

/**
 * The files of a run that can be deleted. Checkpoints of an arm are needed until its training with that seed is done, and
 * those of a trunk until its shorter trainings are done. Empty while a process works in the run. Throws a UsageError when the
 * folder holds no run.
 */
export async function deletableIn(disk: Disk, folder: string): Promise<Deletable[]> {
  const { study } = await readRecord(disk, folder), found: Deletable[] = [];
  if (await disk.isLocked(join(folder, FILES.lock))) return found;
  const isDone = async (arm: string, seed: number) =>
    await disk.stat(join(armFolder(folder, arm, seed), "result.json")) !== undefined ||
    await disk.stat(join(armFolder(folder, arm, seed), "failure.json")) !== undefined;
  for (const seed of study.seeds) {
    for (const { name } of study.arms) {
      const path = join(armFolder(folder, name, seed), CHECKPOINTS);
      const own = [name, ...study.arms.filter(({ trunk }) => trunk === name).map((branch) => branch.name)];
      const done = (await Promise.all(own.map((arm) => isDone(arm, seed)))).every(Boolean);
      if (done && await isInside(disk, folder, path)) {
        found.push({ path, what: "checkpoints", bytes: await bytesIn(disk, path) });
      }
    }
  }
  for (const path of await leftoversIn(disk, folder)) {
    const inside = found.some((one) => path.startsWith(join(one.path, "/")));
    if (!inside) found.push({ path, what: "leftovers", bytes: await sizeOf(disk, path) });
  }
  return found;
}

/**
 * Deletes the files that `deletableIn` finds in a run. They are removed from the list of checksums first, so that a kill in
 * between leaves a valid run. Returns the deleted files. Throws a HymbaError when another process works in the run.
 */
export async function cleanRun(disk: Disk, folder: string): Promise<Deletable[]> {
  const found = await deletableIn(disk, folder);
  if (found.length === 0) return found;
  // Taking the lock removes the leftovers.
  const held = await lockFolder(disk, folder);
  try {
    await dropChecksums(disk, folder, found.map(({ path }) => path));
    for (const { path, what } of found) if (what === "checkpoints") await removeAtomic(disk, path);
    return found;
  } finally {
    await held.close();
  }
}

/** A whole run. Undefined while a process works in it. Throws a UsageError if the folder has no run. */
export async function wholeRun(disk: Disk, folder: string): Promise<Deletable | undefined> {
  await readRecord(disk, folder);
  if (await disk.isLocked(join(folder, FILES.lock))) return undefined;
  return { path: folder, what: "run", bytes: await bytesIn(disk, folder) };
}

/** Deletes a whole run. Throws a HymbaError when another process works in it, and a UsageError for a link to a run. */
export async function removeRun(disk: Disk, folder: string): Promise<void> {
  if ((await disk.stat(folder))?.link) {
    throw new UsageError(`${folder} is a link to a run`, { hint: "name the folder itself; nothing was changed" });
  }
  // The lock is released before its file is removed, because some systems cannot remove an open file.
  await (await lockFolder(disk, folder)).close();
  await removeAtomic(disk, folder);
}

/** Folders of the cache that grow with use. Measurements of this machine (estimates, tiles) are kept. */
const CACHED = ["tokens", "tokenizers", "datasets"];

/** The deletable files of the cache folder. They are made or downloaded again when needed. */
export async function deletableInCache(disk: Disk, cache: string): Promise<Deletable[]> {
  const found: Deletable[] = [];
  for (const name of CACHED) {
    const path = join(cache, name);
    if (await disk.stat(path)) found.push({ path, what: "cache", bytes: await bytesIn(disk, path) });
  }
  return found.filter(({ bytes }) => bytes > 0);
}

/** Deletes folders of the cache. */
export async function removeCached(disk: Disk, found: readonly Deletable[]): Promise<void> {
  for (const { path } of found) await removeTree(disk, path);
}
