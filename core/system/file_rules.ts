/** Differences between systems in files and folders. */
import type { Platform } from "./platform.ts";

/** Whether a folder can be opened and synced. Windows cannot open one; it writes names to the disk itself. */
export const syncsFolders = ({ os }: Pick<Platform, "os">): boolean => os !== "windows";

/** Codes of a rename or removal that fails while another program has the file open, such as a viewer or a virus scanner. */
const HELD: readonly string[] = ["EBUSY", "EACCES", "EPERM"];

/** Waits between the tries (ms): together 2.6 seconds. */
const WAITS: readonly number[] = [10, 20, 50, 100, 200, 400, 800, 1000];

/** How an operation on a file is tried again. */
interface Retries extends Pick<Platform, "os"> {
  /** The system's code of a failure. */
  codeOf(cause: unknown): Promise<string>;
  wait?(milliseconds: number): Promise<void>;
}

const sleep = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/**
 * Renames or removes a file. Windows refuses both while another program has the file open, so there the work is tried again
 * for 2.6 seconds. Elsewhere it is tried once. Throws the last failure.
 */
export async function whileHeld<T>(work: () => Promise<T>, { os, codeOf, wait = sleep }: Retries): Promise<T> {
  const waits = os === "windows" ? WAITS : [];
  for (const milliseconds of waits) {
    try {
      return await work();
    } catch (cause) {
      if (!HELD.includes(await codeOf(cause))) throw cause;
      await wait(milliseconds);
    }
  }
  return await work();
}

/** Codes of a lock that the file system does not have: Lustre without `-o flock`, some NFS and FUSE mounts. */
const LOCKLESS: readonly string[] = ["ENOTSUP", "EOPNOTSUPP", "ENOSYS", "ENOLCK"];

/** Whether a failed lock means that the file system has no locks. */
export const isLockless = (code: string): boolean => LOCKLESS.includes(code);

let warn: ((line: string) => void) | undefined;

/** Has the next use of a file system without locks print its risk; later uses do not print it again. */
export const warnWithoutLocks = (print: (line: string) => void): void => {
  warn = print;
};

/**
 * Whether a file system without locks may be used, because the user turned locks off: `HYMBA_LOCKS=off`. `path`: of the file to
 * be locked.
 */
export function mayGoWithoutLock(path: string, { env }: Pick<Platform, "env">): boolean {
  if (env("HYMBA_LOCKS") !== "off") return false;
  warn?.(
    `note: the file system of ${path} has no locks, and HYMBA_LOCKS=off continues without them: make sure that only one ` +
      "process works in its folder; two would damage each other's files",
  );
  warn = undefined;
  return true;
}

/**
 * The folder of the system for files that can be made again: `$XDG_CACHE_HOME`, else `%LOCALAPPDATA%`, `~/Library/Caches` or
 * `~/.cache`. Undefined when the environment names none, as in some containers and services without HOME.
 */
export function cacheBase({ os, env }: Pick<Platform, "os" | "env">): string | undefined {
  const home = env("HOME") || env("USERPROFILE"), separator = os === "windows" ? "\\" : "/";
  const inHome = (...parts: string[]) => home ? [home, ...parts].join(separator) : undefined;
  const given = env("XDG_CACHE_HOME");
  if (given) return given;
  if (os === "windows") return env("LOCALAPPDATA") || inHome("AppData", "Local");
  return os === "darwin" ? inHome("Library", "Caches") : inHome(".cache");
}
