/** The usual codes of system errors (`ENOSPC`) for the numbers that a system gives. */
import { thisHost } from "./host.ts";
import type { Platform } from "./platform.ts";

/** Numbers of Windows errors, from winerror.h, by the POSIX code that means the same. */
const WINDOWS: Readonly<Record<number, string>> = {
  2: "ENOENT",
  3: "ENOENT",
  4: "EMFILE",
  5: "EACCES",
  19: "EROFS",
  23: "EIO",
  32: "EBUSY",
  33: "EBUSY",
  39: "ENOSPC",
  80: "EEXIST",
  87: "EINVAL",
  112: "ENOSPC",
  123: "EINVAL",
  145: "ENOTEMPTY",
  183: "EEXIST",
  206: "ENAMETOOLONG",
  223: "EFBIG",
  267: "ENOTDIR",
  1117: "EIO",
  1224: "EBUSY",
  1295: "EDQUOT",
  1314: "EPERM",
};

/**
 * The code of an error of the system. Deno names the common ones itself. For others (EFBIG, EDQUOT) only the number is in the
 * text, `(os error 27)`. `UNKNOWN` when there is neither.
 */
export async function systemErrorCode(cause: unknown, { os }: Pick<Platform, "os">): Promise<string> {
  if (thisHost() === "deno" && cause instanceof Deno.errors.NotCapable) return "NOT_CAPABLE";
  if (!(cause instanceof Error)) return "UNKNOWN";
  if ("code" in cause && typeof cause.code === "string") return cause.code;
  const number = /\(os error (\d+)\)/.exec(cause.message)?.[1];
  if (number === undefined) return cause instanceof TypeError ? "EINVAL" : "UNKNOWN";
  if (os === "windows") return WINDOWS[Number(number)] ?? "UNKNOWN";
  // A dynamic import, because node:os would double the start-up time of a short command.
  const { constants } = await import("node:os");
  return Object.entries(constants.errno).find(([, one]) => one === Number(number))?.[0] ?? "UNKNOWN";
}
