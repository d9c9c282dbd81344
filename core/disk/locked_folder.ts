import { dirname, join } from "../system/path.ts";
import { HymbaError } from "../errors.ts";
import type { Disk } from "./disk.ts";
import { DiskError } from "./error.ts";
import { makeFolders, readText, removeTemporaries } from "./files.ts";

/** A folder that only this process writes to, until it is closed. */
export interface LockedFolder {
  readonly folder: string;
  /** The removed temporary files of an earlier process. */
  readonly removed: readonly string[];
  close(): Promise<void>;
  /** Closes, and removes the lock and the folders that this call made, unless other files are in them. */
  abandon(): Promise<void>;
}

/** The parent of the run folder may not be readable and cannot be synced then. The name is synced later, by the system. */
const ignoreDenied = (cause: unknown) => {
  if (!(cause instanceof DiskError && cause.code === "EACCES")) throw cause;
};

/** The default description of the holder in a lock. */
const thisProcess = () => `process ${Deno.pid}, started ${new Date().toISOString()}`;

/** Whether a file of this text may be a lock of this program: a killed process may have left it empty. */
export const isLockText = (text: string): boolean => /^(process \d+, started [\d:.TZ-]+)?$/.test(text);

async function inUse(disk: Disk, folder: string): Promise<HymbaError> {
  const owner = await readText(disk, join(folder, "lock")).catch(() => "");
  return new HymbaError(`another process works in ${folder}`, {
    expected: "one process in a run folder",
    got: owner || "a process that did not say which",
    hint: "wait for it or stop it, or choose another folder",
  });
}

/**
 * Creates the folder if necessary, locks it and removes the temporary files of a killed process. The lock ends with its process,
 * even a killed one. Other processes show `owner` in their error. Throws a HymbaError when another process holds the folder.
 */
export async function lockFolder(
  disk: Disk,
  folder: string,
  { owner = thisProcess() }: { owner?: string } = {},
): Promise<LockedFolder> {
  const path = join(folder, "lock"), made = await makeFolders(disk, folder), isNew = !await disk.stat(path);
  /** Removes what is new, as far as possible: the reason to do so is an error that the user sees. */
  const removeNew = async () => {
    if (!isNew) return;
    const names = await disk.list(folder).catch(() => undefined);
    // Beside files of an unfinished run the lock says that they are one.
    if (names === undefined || names.some((name) => name !== "lock")) return;
    for (const name of [path, ...made.toReversed()]) await disk.remove(name).catch(() => {});
  };
  const lock = await disk.lock(path, owner).catch(async (cause) => {
    await removeNew();
    throw cause;
  });
  if (!lock) throw await inUse(disk, folder);
  // The lock is held while its file is removed. A process that then gets it finds out that the file is gone.
  const abandon = () => removeNew().finally(() => lock.release());
  try {
    await disk.syncFolder(dirname(folder)).catch(ignoreDenied);
    const removed = await removeTemporaries(disk, folder);
    return { folder, removed, close: () => lock.release(), abandon };
  } catch (cause) {
    await abandon();
    throw cause;
  }
}

const WAIT_MS = 200, MOST_WAIT_MS = 60_000;

/**
 * Waits until no process holds the folder, at most a minute. If it is still held, the next step fails. Does nothing for a
 * folder that was never locked. `onWait` is called once if a process holds it.
 */
export async function whenUnlocked(disk: Disk, folder: string, { onWait }: { onWait(): void }): Promise<void> {
  const path = join(folder, "lock");
  for (let waited = 0; waited < MOST_WAIT_MS && await disk.stat(path); waited += WAIT_MS) {
    const lock = await disk.lock(path, thisProcess());
    if (lock) return await lock.release();
    if (waited === 0) onWait();
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  }
}
