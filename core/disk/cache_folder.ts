import { hostname } from "node:os";
import { join } from "node:path";
import { HymbaError } from "../errors.ts";
import { cacheBase, thisPlatform } from "../system/mod.ts";
import type { Disk } from "./disk.ts";

const WAIT_MS = 200, WAIT_LIMIT_MS = 10 * 60_000;

/**
 * The user's cache folder of this program: `$XDG_CACHE_HOME/hymba`, else `%LOCALAPPDATA%\hymba`, `~/Library/Caches/hymba`
 * or `~/.cache/hymba`. It need not exist. Everything in it can be downloaded again.
 */
export function cacheFolder(): string {
  const base = cacheBase(thisPlatform);
  if (base) return join(base, "hymba");
  throw new HymbaError("no folder to keep downloads in", {
    expected: "XDG_CACHE_HOME, HOME or LOCALAPPDATA in the environment",
    got: "none of them",
    hint: "set XDG_CACHE_HOME to a folder that may be written",
  });
}

/** Work that only one process does at a time. `onWait` is called when it has to wait for another process. */
export interface Exclusive<T> {
  work: () => Promise<T>;
  onWait?: () => void;
  /** Longest wait for other processes (ms); ten minutes by default. */
  mostWait?: number;
}

/** Runs `work` while this process holds the lock file at `path`. Throws a HymbaError when it has waited too long for others. */
export async function exclusively<T>(
  disk: Disk,
  path: string,
  { work, onWait, mostWait = WAIT_LIMIT_MS }: Exclusive<T>,
): Promise<T> {
  const owner = `${hostname()} ${Deno.pid}\n`;
  let lock = await disk.lock(path, owner);
  if (!lock) onWait?.();
  for (let waited = 0; !lock; waited += WAIT_MS) {
    if (waited >= mostWait) {
      throw new HymbaError(`another process has held ${path} for ${mostWait / 1000} s`, {
        hint: "end that process, then run the same command again",
      });
    }
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    lock = await disk.lock(path, owner);
  }
  try {
    return await work();
  } finally {
    await lock.release();
  }
}
