import type { Disk, Lock, Ranges, Stat } from "./disk.ts";
import {
  freeMemory,
  isLockless,
  mayGoWithoutLock,
  syncsFolders,
  systemErrorCode,
  thisPlatform,
  whileHeld,
} from "../system/mod.ts";
import { DiskError, type DiskOperation } from "./error.ts";
import { isTemporary } from "./temporary.ts";

const codeOf = (cause: unknown) => systemErrorCode(cause, thisPlatform);

/** Reading by ranges does not wait: the pages of a file that is in use are in memory, and a batch needs a few kilobytes. */
async function openRanges(path: string): Promise<Ranges> {
  // Opening a pipe waits until somebody writes to it.
  if (!(await Deno.stat(path)).isFile) throw new DiskError("read", path, "NOT_A_FILE");
  const file = await Deno.open(path), { size: bytes } = await file.stat();
  return {
    bytes,
    read(offset, into) {
      let got = 0;
      try {
        file.seekSync(offset, Deno.SeekMode.Start);
        while (got < into.length) {
          const count = file.readSync(into.subarray(got));
          if (count === null) break;
          got += count;
        }
      } catch (cause) {
        throw new DiskError("read", path, "UNKNOWN", { cause });
      }
      if (got < into.length) throw new DiskError("read", path, "ENDS_EARLY");
    },
    close: () => file.close(),
  };
}

/** Runs one operation. An error of the system becomes a DiskError. */
async function asked<T>(operation: DiskOperation, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof DiskError) throw cause;
    throw new DiskError(operation, path, await codeOf(cause), { cause });
  }
}

async function withFile<T>(
  path: string,
  options: Deno.OpenOptions,
  work: (file: Deno.FsFile) => Promise<T>,
): Promise<T> {
  const file = await Deno.open(path, options);
  try {
    return await work(file);
  } finally {
    file.close();
  }
}

/** Syncs a file. A sync covers the whole inode, so a new handle also syncs the writes of earlier handles. */
const sync = (file: Deno.FsFile) => file.sync();

/** Repeats the work for a moment while another program holds the file open. */
const whileBusy = <T>(work: () => Promise<T>) => whileHeld(work, { ...thisPlatform, codeOf });

/** Locks the whole file. Where the file system has no locks, this fails with a hint, or the user has allowed to go without. */
async function lockWhole(path: string, file: Deno.FsFile): Promise<boolean> {
  try {
    return await file.tryLock(true);
  } catch (cause) {
    if (!isLockless(await codeOf(cause))) throw cause;
    if (mayGoWithoutLock(path, thisPlatform)) return true;
    throw new DiskError("lock", path, "NO_LOCKS", { cause });
  }
}

/** Whether an open file has no name any more. A process that gives up its new folder removes the lock. */
const isRemoved = async (file: Deno.FsFile): Promise<boolean> => (await file.stat()).nlink === 0;

async function tryLock(path: string, owner: string): Promise<Lock | undefined> {
  // The owner's name is written into the file: a folder of somebody else could have a link that leads to a file of the user.
  if ((await Deno.lstat(path).catch(none))?.isSymlink) throw new DiskError("lock", path, "IS_A_LINK");
  // The kernel releases this lock with the process, so a killed process leaves no lock.
  const file = await Deno.open(path, { read: true, write: true, create: true });
  try {
    if (!await lockWhole(path, file) || await isRemoved(file)) {
      file.close();
      return undefined;
    }
    await file.truncate(0);
    await file.write(new TextEncoder().encode(owner));
  } catch (cause) {
    file.close();
    throw cause;
  }
  return { release: () => Promise.resolve(file.close()) };
}

/** Tries to get a shared lock, which fails while a process holds the file, and releases it. */
async function isLocked(path: string): Promise<boolean> {
  if ((await inspect(path))?.kind !== "file") return false;
  const file = await Deno.open(path);
  try {
    return !await file.tryLock(false);
  } catch (cause) {
    if (isLockless(await codeOf(cause))) return false;
    throw cause;
  } finally {
    file.close();
  }
}

const none = (cause: unknown) => {
  if (cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory) return undefined;
  throw cause;
};

async function inspect(path: string): Promise<Stat | undefined> {
  const itself = await Deno.lstat(path).catch(none);
  const found = itself?.isSymlink ? await Deno.stat(path).catch(none) ?? itself : itself;
  if (!itself || !found) return undefined;
  // A link that leads nowhere is neither a file nor a folder, and may be removed and replaced like a file.
  const kind = found.isDirectory ? "folder" : found.isFile || found.isSymlink ? "file" : "other";
  return { kind, link: itself.isSymlink, bytes: kind === "file" ? found.size : 0 };
}

/** Files above this (bytes) are compared with the free memory before they are read. */
const LARGE = 2 ** 28;

/** Reads a file. A pipe would block for ever, and a device such as /dev/zero would fill the memory. */
async function readRegular(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const { isFile, isDirectory, size } = await Deno.stat(path);
  if (!isFile && !isDirectory) throw new DiskError("read", path, "NOT_A_FILE");
  if (size > LARGE && size > await freeMemory()) throw new DiskError("read", path, "TOO_LARGE");
  return await Deno.readFile(path);
}

/** A temporary file is never a link: a folder of somebody else could have one that leads to a file of the user. */
async function requireOwnTemporary(path: string): Promise<void> {
  if (isTemporary(path) && (await Deno.lstat(path).catch(none))?.isSymlink) await Deno.remove(path);
}

/** The disk of this machine. */
export const systemDisk: Disk = {
  read: (path) => asked("read", path, () => readRegular(path)),
  openRanges: (path) => asked("read", path, () => openRanges(path)),
  writeSome: (path, bytes, { offset }) =>
    asked("write", path, () =>
      withFile(path, { write: true, create: true }, async (file) => {
        await file.seek(offset, Deno.SeekMode.Start);
        return await file.write(bytes);
      })),
  truncate: (path, length) =>
    asked("truncate", path, async () => {
      await requireOwnTemporary(path);
      await withFile(path, { write: true, create: true }, (file) => file.truncate(length));
    }),
  syncFile: (path) => asked("sync", path, () => withFile(path, { write: true }, sync)),
  syncFolder: async (path) => {
    if (!syncsFolders(thisPlatform)) return;
    await asked("sync", path, () => withFile(path, { read: true }, sync));
  },
  rename: (from, to) => asked("rename", from, () => whileBusy(() => Deno.rename(from, to))),
  remove: (path) => asked("remove", path, () => whileBusy(() => Deno.remove(path))),
  list: (path) => asked("list", path, async () => (await Array.fromAsync(Deno.readDir(path), (e) => e.name)).sort()),
  stat: (path) => asked("inspect", path, () => inspect(path)),
  makeFolder: (path) =>
    asked("make folder", path, async () => {
      try {
        await Deno.mkdir(path);
      } catch (cause) {
        if (!(cause instanceof Deno.errors.AlreadyExists) || !(await Deno.stat(path)).isDirectory) throw cause;
      }
    }),
  freeSpace: (path) =>
    asked("measure free space of", path, async () => {
      const { bavail, bsize } = await (await import("node:fs/promises")).statfs(path);
      return bavail * bsize;
    }),
  lock: (path, owner) => asked("lock", path, () => tryLock(path, owner)),
  isLocked: (path) => asked("inspect", path, () => isLocked(path)),
};
