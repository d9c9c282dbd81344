/**
 * Checkpoints that survive a kill, a full disk and a power loss. A checkpoint is a folder: one safetensors file a group of
 * tensors, `state.json`, and a manifest with the SHA-256 of each. It is written under a temporary name, synced and renamed. Only
 * then are older checkpoints removed. A folder whose files do not match its manifest does not count as a checkpoint.
 */
import { join } from "../system/path.ts";
import {
  type Digest,
  type Disk,
  type LogPosition,
  makeFolders,
  parseJson,
  removeTree,
  requireSpace,
  sha256,
  temporaryName,
  writeFile,
} from "../disk/mod.ts";
import { HymbaError, quoted } from "../errors.ts";
import { byScore, manifestsIn, nameOf, numbersIn, readManifest, removeOldCheckpoints } from "./checkpoint_folder.ts";
import { encodeManifest, FORMAT, isCheckpointFile, MANIFEST, type Manifest } from "./manifest.ts";
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from "./safetensors.ts";

export { removeOldCheckpoints } from "./checkpoint_folder.ts";

/** A value that JSON can store without change. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Everything that a run needs to continue from a step with the same bits. */
export interface Checkpoint {
  /** The stage of training (`pretrain`). */
  stage: string;
  /** Steps done in this stage. */
  step: number;
  /** The best checkpoint has the lowest score (validation loss in nats). Absent when nothing was measured. */
  score?: number;
  /** Tensors in groups, a file each: `weights`, `first_moments`, `second_moments`. */
  groups: Readonly<Record<string, Readonly<Record<string, StoredTensor>>>>;
  /** Position in the data and other state, as JSON. */
  state: Json;
  /** Where the metrics log ended, from `MetricsLog.sync`. */
  log?: LogPosition;
}

/** A checkpoint read back. */
export interface LoadedCheckpoint extends Checkpoint {
  /** The folder it was read from. */
  path: string;
}

const STATE = "state.json";

/** Throws a HymbaError for values that JSON cannot store: NaN and infinity would silently become null. */
function requireJson(value: unknown, { path }: { path: string }): void {
  if (value === null || typeof value === "boolean" || typeof value === "string" || Number.isFinite(value)) return;
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) requireJson(item, { path: `${path}[${i}]` });
    return;
  }
  if (typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) {
    throw new HymbaError(`checkpoint: ${path} is ${String(value)}, which JSON cannot hold`);
  }
  for (const [key, item] of Object.entries(value)) requireJson(item, { path: `${path}.${key}` });
}

/** File names, each with a function that makes the content, so that only one content is in memory at a time. */
function contents({ stage, step, groups, state }: Checkpoint): [file: string, encode: () => Uint8Array][] {
  requireJson(state, { path: "state" });
  const files: [string, () => Uint8Array][] = Object.entries(groups).map(([group, tensors]) => {
    const file = `${group}.safetensors`;
    if (!isCheckpointFile(file)) throw new HymbaError(`checkpoint: ${quoted(group)} cannot be the name of a group`);
    return [file, () => encodeSafetensors(tensors, { stage, step: String(step) })];
  });
  return [...files, [STATE, () => new TextEncoder().encode(`${JSON.stringify(state)}\n`)]];
}

/** About how many bytes the checkpoint takes; headers and the state fit into the MiB that `requireSpace` adds. */
function bytesOf({ groups }: Checkpoint): number {
  const tensors = Object.values(groups).flatMap((group) => Object.values(group));
  return tensors.reduce((sum, { data }) => sum + data.byteLength, 0);
}

async function writeSynced(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  await writeFile(disk, path, bytes);
  await disk.syncFile(path);
}

/** Writes and syncs all files of a new folder. They then survive a power loss, but the folder's name may not. */
async function writeInto(
  disk: Disk,
  folder: string,
  { checkpoint, number }: { checkpoint: Checkpoint; number: number },
) {
  const { stage, step, score = null, log = null } = checkpoint;
  const files: Record<string, Digest> = {};
  await disk.makeFolder(folder);
  for (const [file, encode] of contents(checkpoint)) {
    const bytes = encode();
    files[file] = { bytes: bytes.length, sha256: sha256(bytes) };
    await writeSynced(disk, join(folder, file), bytes);
  }
  const manifest = encodeManifest({ format: FORMAT, number, stage, step, score, log, files });
  await writeSynced(disk, join(folder, MANIFEST), new TextEncoder().encode(manifest));
  await disk.syncFolder(folder);
}

/**
 * Saves a checkpoint below `folder` (one folder an arm) and returns its path; when it returns, the checkpoint survives a
 * power loss. Then removes older ones: see {@link removeOldCheckpoints}. Throws a HymbaError when the disk has no room or refuses; the checkpoints from before are then untouched.
 */
export async function saveCheckpoint(disk: Disk, folder: string, checkpoint: Checkpoint): Promise<string> {
  if (checkpoint.score !== undefined && !Number.isFinite(checkpoint.score)) {
    throw new HymbaError(`checkpoint: the score of step ${checkpoint.step} is ${checkpoint.score}`);
  }
  await makeFolders(disk, folder);
  await requireSpace(disk, folder, bytesOf(checkpoint));
  const number = ((await numbersIn(disk, folder))[0] ?? 0) + 1;
  const path = join(folder, nameOf(number));
  const temporary = temporaryName(path);
  try {
    await removeTree(disk, temporary);
    await writeInto(disk, temporary, { checkpoint, number });
    await disk.rename(temporary, path);
  } catch (cause) {
    await removeTree(disk, temporary).catch(() => {});
    throw cause;
  }
  await disk.syncFolder(folder);
  await removeOldCheckpoints(disk, folder);
  return path;
}

/** Reads all files of a checkpoint. Undefined if one does not match the manifest. */
async function load(disk: Disk, path: string, manifest: Manifest): Promise<LoadedCheckpoint | undefined> {
  const groups: Record<string, Record<string, StoredTensor>> = {};
  let state: Json = null;
  for (const [file, stated] of Object.entries(manifest.files)) {
    const name = join(path, file);
    const bytes = await disk.read(name);
    if (sha256(bytes) !== stated.sha256) return undefined;
    if (file === STATE) state = parseJson(new TextDecoder().decode(bytes), name) as Json;
    else groups[file.slice(0, file.lastIndexOf("."))] = decodeSafetensors(bytes, { name }).tensors;
  }
  const { stage, step, score, log } = manifest;
  return { path, stage, step, groups, state, score: score ?? undefined, log: log ?? undefined };
}

/** The first checkpoint whose files match its manifest. */
async function firstSound(
  disk: Disk,
  folder: string,
  { manifests, onRejected }: { manifests: readonly Manifest[]; onRejected?: (path: string) => void },
): Promise<LoadedCheckpoint | undefined> {
  for (const manifest of manifests) {
    const path = join(folder, nameOf(manifest.number));
    const checkpoint = await load(disk, path, manifest);
    if (checkpoint) return checkpoint;
    onRejected?.(path);
  }
  return undefined;
}

/**
 * One checkpoint by its own folder. Throws a HymbaError when it does not match its manifest. Undefined when the path is not that of a
 * checkpoint.
 */
export async function loadOne(disk: Disk, path: string): Promise<LoadedCheckpoint | undefined> {
  const manifest = await readManifest(disk, path), checkpoint = manifest && await load(disk, path, manifest);
  if (checkpoint || !await disk.stat(join(path, MANIFEST))) return checkpoint;
  throw new HymbaError(`${path} is damaged`, {
    expected: "files that match the manifest",
    hint: "use another checkpoint, or none",
  });
}

/**
 * The newest complete checkpoint below `folder`; undefined if there is none. `onRejected` is called with folders whose files do not
 * match their manifest. Throws a DiskError when the disk cannot be read.
 */
export async function loadLatest(
  disk: Disk,
  folder: string,
  { stage, onRejected }: { stage?: string; onRejected?: (path: string) => void } = {},
): Promise<LoadedCheckpoint | undefined> {
  const manifests = await manifestsIn(disk, folder, { stage, onRejected });
  return await firstSound(disk, folder, { manifests, onRejected });
}

/** Like {@link loadLatest}, but the checkpoint of the lowest score; of equal scores, the newest. */
export async function loadBest(
  disk: Disk,
  folder: string,
  { stage, onRejected }: { stage?: string; onRejected?: (path: string) => void } = {},
): Promise<LoadedCheckpoint | undefined> {
  const manifests = byScore(await manifestsIn(disk, folder, { stage, onRejected }));
  return await firstSound(disk, folder, { manifests, onRejected });
}
