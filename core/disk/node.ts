/** The disk of this machine in Node, for the library: everything except locks, which Node does not have. Studies need Deno. */
import type { FileHandle } from "node:fs/promises";
import { syncsFolders, thisPlatform, whileHeld } from "../system/mod.ts";
import { builtin } from "../system/host.ts";
import type { Disk, Ranges, Stat } from "./disk.ts";
import { DiskError, type DiskOperation } from "./error.ts";
import { isTemporary } from "./temporary.ts";

/** Node's functions on files. */
function files() {
  const found = builtin("node:fs");
  if (!found) throw new DiskError("read", "node:fs", "UNKNOWN");
  return found;
}

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "UNKNOWN";

/** Runs one operation. An error of the system becomes a DiskError. */
async function asked<T>(operation: DiskOperation, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof DiskError) throw cause;
    throw new DiskError(operation, path, codeOf(cause), { cause });
  }
}

async function withFile<T>(path: string, flags: string | number, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await files().promises.open(path, flags);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

/** Writes and does not empty the file; creates a missing one. */
const toWrite = () => files().constants.O_WRONLY | files().constants.O_CREAT;

const absent = (cause: unknown) => {
  if (["ENOENT", "ENOTDIR"].includes(codeOf(cause))) return undefined;
  throw cause;
};

async function inspect(path: string): Promise<Stat | undefined> {
  const { lstat, stat } = files().promises, itself = await lstat(path).catch(absent);
  const found = itself?.isSymbolicLink() ? await stat(path).catch(absent) ?? itself : itself;
  if (!itself || !found) return undefined;
  const kind = found.isDirectory() ? "folder" : found.isFile() || found.isSymbolicLink() ? "file" : "other";
  return { kind, link: itself.isSymbolicLink(), bytes: kind === "file" ? found.size : 0 };
}

/** Reads a file. A pipe would block for ever, and a device such as /dev/zero would fill the memory. */
async function readRegular(path: string): Promise<Uint8Array<ArrayBuffer>> {
  if ((await files().promises.stat(path)).isFile()) return new Uint8Array(await files().promises.readFile(path));
  throw new DiskError("read", path, (await inspect(path))?.kind === "folder" ? "EISDIR" : "NOT_A_FILE");
}

async function openRanges(path: string): Promise<Ranges> {
  if ((await inspect(path))?.kind === "other") throw new DiskError("read", path, "NOT_A_FILE");
  const file = files().openSync(path, "r"), { size: bytes } = files().fstatSync(file);
  return {
    bytes,
    read(offset, into) {
      let got = 0;
      for (let more = 1; more > 0 && got < into.length; got += more) {
        more = files().readSync(file, into, got, into.length - got, offset + got);
      }
      if (got < into.length) throw new DiskError("read", path, "ENDS_EARLY");
    },
    close: () => files().closeSync(file),
  };
}

async function emptied(path: string, length: number): Promise<void> {
  // A temporary file is never a link: a folder of somebody else could have one that leads to a file of the user.
  if (isTemporary(path) && (await inspect(path))?.link) await files().promises.unlink(path);
  await withFile(path, toWrite(), (file) => file.truncate(length));
}

async function removed(path: string): Promise<void> {
  const found = await inspect(path);
  await (found?.kind === "folder" && !found.link ? files().promises.rmdir(path) : files().promises.unlink(path));
}

async function madeFolder(path: string): Promise<void> {
  const made = files().promises.mkdir(path);
  await made.catch(async (cause) => {
    if (codeOf(cause) !== "EEXIST" || (await inspect(path))?.kind !== "folder") throw cause;
  });
}

const whileBusy = (work: () => Promise<void>) =>
  whileHeld(work, { ...thisPlatform, codeOf: (cause) => Promise.resolve(codeOf(cause)) });

export const nodeDisk: Disk = {
  read: (path) => asked("read", path, () => readRegular(path)),
  openRanges: (path) => asked("read", path, () => openRanges(path)),
  writeSome: (path, bytes, { offset }) =>
    asked(
      "write",
      path,
      async () => (await withFile(path, toWrite(), (file) => file.write(bytes, 0, bytes.length, offset))).bytesWritten,
    ),
  truncate: (path, length) => asked("truncate", path, () => emptied(path, length)),
  syncFile: (path) => asked("sync", path, () => withFile(path, "r+", (file) => file.sync())),
  syncFolder: async (path) => {
    if (syncsFolders(thisPlatform)) await asked("sync", path, () => withFile(path, "r", (file) => file.sync()));
  },
  rename: (from, to) => asked("rename", from, () => whileBusy(() => files().promises.rename(from, to))),
  remove: (path) => asked("remove", path, () => whileBusy(() => removed(path))),
  list: (path) => asked("list", path, async () => (await files().promises.readdir(path)).sort()),
  stat: (path) => asked("inspect", path, () => inspect(path)),
  makeFolder: (path) => asked("make folder", path, () => madeFolder(path)),
  freeSpace: (path) =>
    asked("measure free space of", path, async () => {
      const { bavail, bsize } = await files().promises.statfs(path);
      return bavail * bsize;
    }),
  lock: (path) => Promise.reject(new DiskError("lock", path, "NOT_IN_NODE")),
  isLocked: () => Promise.resolve(false),
};
