/** The folder of an arm's checkpoints: which exist, which is best, and which are kept. */
import { join } from "../system/path.ts";
import { type Disk, DiskError, MAX_JSON, readText, removeAtomic } from "../disk/mod.ts";
import { decodeManifest, MANIFEST, type Manifest } from "./manifest.ts";

const NAME = /^checkpoint-(\d{6,15})$/;

/** The folder's name of a checkpoint's number. */
export const nameOf = (number: number) => `checkpoint-${String(number).padStart(6, "0")}`;

/** Numbers of all checkpoint folders, sound or not, newest first. */
export async function numbersIn(disk: Disk, folder: string): Promise<number[]> {
  if (!await disk.stat(folder)) return [];
  const names = await disk.list(folder);
  const numbers = names.map((name) => Number(NAME.exec(name)?.[1])).filter((number, i) => nameOf(number) === names[i]);
  return numbers.sort((a, b) => b - a);
}

/** The manifest of a checkpoint; undefined if a file is missing or has another length. */
export async function readManifest(disk: Disk, path: string): Promise<Manifest | undefined> {
  const name = join(path, MANIFEST);
  if (!await disk.stat(name)) return undefined;
  const text = await readText(disk, name, { most: MAX_JSON }).catch((cause) => {
    if (cause instanceof DiskError) throw cause;
    return "";
  });
  const manifest = decodeManifest(text, { name });
  for (const [file, { bytes }] of Object.entries(manifest?.files ?? {})) {
    if ((await disk.stat(join(path, file)))?.bytes !== bytes) return undefined;
  }
  return manifest;
}

/**
 * Manifests of all checkpoints, newest first; only of one stage if it is named. `onRejected` is called with folders without a valid
 * manifest.
 */
export async function manifestsIn(
  disk: Disk,
  folder: string,
  { stage, onRejected }: { stage?: string; onRejected?: (path: string) => void } = {},
): Promise<Manifest[]> {
  const manifests: Manifest[] = [];
  for (const number of await numbersIn(disk, folder)) {
    const path = join(folder, nameOf(number));
    const manifest = await readManifest(disk, path);
    if (manifest?.number !== number) onRejected?.(path);
    else if (stage === undefined || manifest.stage === stage) manifests.push(manifest);
  }
  return manifests;
}

/** Those with a score, the lowest first; of equal scores, the newest first. */
export const byScore = (manifests: readonly Manifest[]): Manifest[] =>
  manifests.flatMap((manifest) => manifest.score === null ? [] : [{ manifest, score: manifest.score }])
    .sort((a, b) => a.score - b.score || b.manifest.number - a.manifest.number).map(({ manifest }) => manifest);

/** Numbers to keep, out of manifests that come newest first. */
function keepers(manifests: readonly Manifest[]): Set<number> {
  const keep = manifests.slice(0, 2);
  for (const stage of new Set(manifests.map(({ stage }) => stage))) {
    const ofStage = manifests.filter((manifest) => manifest.stage === stage);
    keep.push(...ofStage.slice(0, 1), ...byScore(ofStage).slice(0, 1));
  }
  return new Set(keep.map(({ number }) => number));
}

/**
 * Removes checkpoints: kept are the two newest and, of each stage, the newest and the one of the lowest score. Folders that
 * do not match their manifest go too. Saving does this; a resumed run does it once at its start, for a save that was killed.
 */
export async function removeOldCheckpoints(disk: Disk, folder: string): Promise<void> {
  const keep = keepers(await manifestsIn(disk, folder));
  for (const number of await numbersIn(disk, folder)) {
    if (!keep.has(number)) await removeAtomic(disk, join(folder, nameOf(number)));
  }
}
