import { dirname, join } from "node:path";
import { HymbaError } from "../errors.ts";
import type { Disk } from "./disk.ts";
import { DiskError } from "./error.ts";

const TEMPORARY = ".partial";

/** The name under which something is built before it gets its own: a rename in the same folder away from it. */
export const temporaryName = (path: string): string => `${path}${TEMPORARY}`;

/** Whether a name was made by {@link temporaryName}. */
export const isTemporary = (name: string): boolean => name.endsWith(TEMPORARY);

/** Writes all of `bytes` at `offset` (bytes from the start), however often the disk takes only a part. */
export async function writeAt(disk: Disk, path: string, { bytes, offset }: { bytes: Uint8Array; offset: number }) {
  for (let done = 0; done < bytes.length;) {
    const taken = await disk.writeSome(path, bytes.subarray(done), { offset: offset + done });
    if (taken <= 0) throw new DiskError("write", path, "ENOSPC");
    done += taken;
  }
}

/** Writes a file from its start, replacing what was there. Neither atomic nor synced: see {@link writeAtomic}. */
export async function writeFile(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  await disk.truncate(path, 0);
  await writeAt(disk, path, { bytes, offset: 0 });
}

/**
 * Replaces a file so that after a crash or a power loss at any moment the path holds the old content or the new, never a
 * mixture: temporary file in the same folder, sync, rename, sync of the folder. Text is stored as UTF-8.
 */
export async function writeAtomic(disk: Disk, path: string, content: Uint8Array | string): Promise<void> {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const temporary = temporaryName(path);
  try {
    await writeFile(disk, temporary, bytes);
    await disk.syncFile(temporary);
    await disk.rename(temporary, path);
  } catch (cause) {
    await disk.remove(temporary).catch(() => {});
    throw cause;
  }
  await disk.syncFolder(dirname(path));
}

/** A whole file as text. Throws a HymbaError when it is not UTF-8. */
export async function readText(disk: Disk, path: string): Promise<string> {
  const bytes = await disk.read(path);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new HymbaError(`${path} is not UTF-8 text`, { hint: "convert it to UTF-8", cause });
  }
}

/** Makes a folder and those above it; each new name is synced into its parent. */
export async function makeFolders(disk: Disk, path: string): Promise<void> {
  if (await disk.stat(path)) return await disk.makeFolder(path);
  const parent = dirname(path);
  if (parent !== path) await makeFolders(disk, parent);
  await disk.makeFolder(path);
  await disk.syncFolder(parent);
}

/** Removes a file, or a folder with all it holds; a link goes, not what it points to. Nothing happens when it is not there. */
export async function removeTree(disk: Disk, path: string): Promise<void> {
  const found = await disk.stat(path);
  if (!found) return;
  if (found.kind === "folder" && !found.link) {
    for (const name of await disk.list(path)) await removeTree(disk, join(path, name));
  }
  await disk.remove(path);
}

/**
 * Makes a file or folder disappear in one step, then removes it. A crash in between leaves a temporary, which
 * {@link removeTemporaries} clears.
 */
export async function removeAtomic(disk: Disk, path: string): Promise<void> {
  const temporary = temporaryName(path);
  await removeTree(disk, temporary);
  await disk.rename(path, temporary);
  await removeTree(disk, temporary);
}

/**
 * Removes every temporary in a folder and below, and syncs each folder, so that names a killed process had not synced are
 * safe from here on. Returns the paths that were removed.
 */
export async function removeTemporaries(disk: Disk, folder: string): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await disk.list(folder)) {
    const path = join(folder, name);
    if (isTemporary(name)) {
      await removeTree(disk, path);
      removed.push(path);
      continue;
    }
    const found = await disk.stat(path);
    if (found?.kind === "folder" && !found.link) removed.push(...await removeTemporaries(disk, path));
  }
  await disk.syncFolder(folder);
  return removed;
}

const MEBIBYTE = 2 ** 20;
const inMebibytes = (bytes: number) => `${(bytes / MEBIBYTE).toFixed(1)} MiB`;

/** Throws a HymbaError unless the folder's disk has `bytes` bytes free, and one MiB besides for names and logs. */
export async function requireSpace(disk: Disk, folder: string, bytes: number): Promise<void> {
  const free = await disk.freeSpace(folder);
  if (free >= bytes + MEBIBYTE) return;
  throw new HymbaError(`not enough free space in ${folder}`, {
    expected: `${inMebibytes(bytes + MEBIBYTE)} free`,
    got: `${inMebibytes(free)} free`,
    hint: "free some space, or write to another folder",
  });
}
