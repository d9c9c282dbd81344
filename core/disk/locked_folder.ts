import { dirname, join } from "node:path";
import { HymbaError } from "../errors.ts";
import type { Disk } from "./disk.ts";
import { DiskError } from "./error.ts";
import { makeFolders, readText, removeTemporaries } from "./files.ts";

/** A run folder that this process alone may write to until it is closed. */
export interface LockedFolder {
  readonly folder: string;
  /** Paths of what an earlier process left half done, now removed. */
  readonly removed: readonly string[];
  close(): Promise<void>;
}

/** The folder's own name may lie in a folder that we may enter but not open; then the system decides when it is safe. */
const unlessDenied = (cause: unknown) => {
  if (!(cause instanceof DiskError && cause.code === "EACCES")) throw cause;
};

async function inUse(disk: Disk, folder: string): Promise<HymbaError> {
  const owner = await readText(disk, join(folder, "lock")).catch(() => "");
  return new HymbaError(`another process works in ${folder}`, {
    expected: "one process in a run folder",
    got: owner || "a process that did not say which",
    hint: "wait for it or stop it, or choose another folder",
  });
}

/**
 * Makes the folder if need be, locks it and removes temporaries that a killed process left. The lock dies with its process,
 * so one that was killed is never in the way. `owner` is what another process is told. Throws a HymbaError when a process
 * holds the folder.
 */
export async function lockFolder(
  disk: Disk,
  folder: string,
  { owner = `process ${Deno.pid}, started ${new Date().toISOString()}` }: { owner?: string } = {},
): Promise<LockedFolder> {
  await makeFolders(disk, folder);
  const lock = await disk.lock(join(folder, "lock"), owner);
  if (!lock) throw await inUse(disk, folder);
  try {
    await disk.syncFolder(dirname(folder)).catch(unlessDenied);
    const removed = await removeTemporaries(disk, folder);
    return { folder, removed, close: () => lock.release() };
  } catch (cause) {
    await lock.release();
    throw cause;
  }
}
