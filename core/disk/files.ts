import { dirname, join } from "../system/path.ts";
import { HymbaError } from "../errors.ts";
import type { Disk } from "./disk.ts";
import { DiskError } from "./error.ts";
import { isTemporary, temporaryName } from "./temporary.ts";

/** Writes all of `bytes` at `offset` (bytes from the start), in several writes if necessary. */
export async function writeAt(disk: Disk, path: string, { bytes, offset }: { bytes: Uint8Array; offset: number }) {
  for (let done = 0; done < bytes.length;) {
    const taken = await disk.writeSome(path, bytes.subarray(done), { offset: offset + done });
    if (taken <= 0) throw new DiskError("write", path, "ENOSPC");
    done += taken;
  }
}

/** Replaces the content of a file. Neither atomic nor synced: see {@link writeAtomic}. */
export async function writeFile(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  await disk.truncate(path, 0);
  await writeAt(disk, path, { bytes, offset: 0 });
}

/**
 * Replaces a file atomically: after a crash or a power loss the path has either the old or the new content. Steps: write a
 * temporary file in the same folder, sync it, rename it, sync the folder. Text is stored as UTF-8. Two processes must not write one
 * file at the same time: `writeShared` is for that.
 */
export async function writeAtomic(
  disk: Disk,
  path: string,
  content: Uint8Array | string,
  { temporary = temporaryName(path) }: { temporary?: string } = {},
): Promise<void> {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  try {
    await writeFile(disk, temporary, bytes);
    await disk.syncFile(temporary);
    await disk.rename(temporary, path);
  } catch (cause) {
    await disk.remove(temporary).catch(() => {});
    // The temporary name and the step mean nothing to a user.
    const isStep = cause instanceof DiskError && cause.path === temporary;
    throw isStep ? new DiskError("write", path, cause.code, { cause: cause.cause }) : cause;
  }
  await disk.syncFolder(dirname(path));
}

/** Throws a HymbaError when a file has more than `most` bytes, before anything of it is read. */
export async function requireAtMost(disk: Disk, path: string, most: number): Promise<void> {
  const length = most < Infinity ? (await disk.stat(path))?.bytes ?? 0 : 0;
  if (length <= most) return;
  throw new HymbaError(`${path} is too large`, { expected: `at most ${most} bytes`, got: `${length} bytes` });
}

/** The content of a file as text. Throws a HymbaError when it is not UTF-8, or has more than `most` bytes. */
export async function readText(disk: Disk, path: string, { most = Infinity } = {}): Promise<string> {
  await requireAtMost(disk, path, most);
  const bytes = await disk.read(path);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new HymbaError(`${path} is not UTF-8 text`, { hint: "convert it to UTF-8", cause });
  }
}

/** Creates a folder and its missing parents. The parent of each new folder is synced. Returns the new folders, the innermost last. */
export async function makeFolders(disk: Disk, path: string): Promise<string[]> {
  if (await disk.stat(path)) {
    await disk.makeFolder(path);
    return [];
  }
  const parent = dirname(path), made = parent === path ? [] : await makeFolders(disk, parent);
  await disk.makeFolder(path);
  await disk.syncFolder(parent);
  return [...made, path];
}

/** Makes a folder and its missing parents, and does the work in it. If the work fails, new folders that are empty are removed again. */
export async function inFolder<T>(disk: Disk, path: string, work: () => Promise<T>): Promise<T> {
  const made = await makeFolders(disk, path);
  try {
    return await work();
  } catch (cause) {
    for (const folder of made.reverse()) await disk.remove(folder).catch(() => {}); // A folder with files in it stays.
    throw cause;
  }
}

/** Removes a file, or a folder with its contents. Of a link it removes the link, not the target. A missing path is no error. */
export async function removeTree(disk: Disk, path: string): Promise<void> {
  const found = await disk.stat(path);
  if (!found) return;
  if (found.kind === "folder" && !found.link) {
    for (const name of await disk.list(path)) await removeTree(disk, join(path, name));
  }
  await disk.remove(path);
}

/**
 * Removes a file or folder atomically: renames it to a temporary name, then removes that. After a crash in between,
 * {@link removeTemporaries} removes the rest.
 */
export async function removeAtomic(disk: Disk, path: string): Promise<void> {
  const temporary = temporaryName(path);
  await removeTree(disk, temporary);
  await disk.rename(path, temporary);
  await removeTree(disk, temporary);
}

/**
 * Removes all temporary files and folders below a folder. Also syncs each folder, in case a killed process did not. Returns the
 * removed paths.
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

/** The folder, or the innermost one around it that exists. */
const existingFolder = async (disk: Disk, folder: string): Promise<string> =>
  dirname(folder) === folder || await disk.stat(folder) ? folder : await existingFolder(disk, dirname(folder));

/**
 * Throws a HymbaError unless the folder's disk has `bytes` free bytes, plus one MiB for names and logs. The folder need not
 * exist.
 */
export async function requireSpace(disk: Disk, folder: string, bytes: number): Promise<void> {
  const free = await disk.freeSpace(await existingFolder(disk, folder));
  if (free >= bytes + MEBIBYTE) return;
  throw new HymbaError(`not enough free space in ${folder}`, {
    expected: `${inMebibytes(bytes + MEBIBYTE)} free`,
    got: `${inMebibytes(free)} free`,
    hint: "free some space, or write to another folder",
  });
}
