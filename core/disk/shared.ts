/** Files that several processes may write at the same time, such as those of the cache folder. */
import { basename, dirname, join } from "../system/path.ts";
import type { Disk } from "./disk.ts";
import { writeAtomic } from "./files.ts";
import { timeOfTemporary, uniqueTemporaryName } from "./temporary.ts";

/** A temporary file of this age was left by a killed process, because no file takes a day to write (ms). */
const ABANDONED_MS = 24 * 3600_000;

/**
 * Replaces a file atomically, like `writeAtomic`. If several processes do it at the same time, the file of the last one stays,
 * and none of them fails. To change a file based on its content, also hold a lock (`exclusively`).
 */
export async function writeShared(disk: Disk, path: string, content: Uint8Array | string): Promise<void> {
  await writeAtomic(disk, path, content, { temporary: uniqueTemporaryName(path) });
  await removeAbandoned(disk, path);
}

async function removeAbandoned(disk: Disk, path: string): Promise<void> {
  const folder = dirname(path), before = Date.now() - ABANDONED_MS;
  for (const name of await disk.list(folder)) {
    const time = timeOfTemporary(name, basename(path));
    // Another process may remove it at the same time.
    if (time !== undefined && time < before && await disk.stat(join(folder, name))) {
      await disk.remove(join(folder, name)).catch(async (cause) => {
        if (await disk.stat(join(folder, name))) throw cause;
      });
    }
  }
}
