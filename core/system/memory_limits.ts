/** The memory that a container or a batch scheduler leaves to this process. On Linux it is a limit of a control group (cgroup). */

import { builtin, thisHost } from "./host.ts";

/** Reads a file of the system; undefined when there is none. */
export type ReadText = (path: string) => Promise<string | undefined>;

/** Reads a file of the system if this process may: a question about a permission would be worse than no answer. */
export const readSystemText: ReadText = async (path) => {
  if (thisHost() !== "deno") return await builtin("node:fs")?.promises.readFile(path, "utf8").catch(() => undefined);
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") return undefined;
  return await Deno.readTextFile(path).catch(() => undefined);
};

/** Bytes of memory that this process may still take; infinite where it may not ask. */
export async function freeMemory(): Promise<number> {
  const mayAsk = Deno.permissions.querySync({ name: "sys", kind: "systemMemoryInfo" }).state === "granted";
  const group = await memoryLimit(readSystemText);
  return Math.min(mayAsk ? Deno.systemMemoryInfo().available : Infinity, group?.free ?? Infinity);
}

const ROOT = "/sys/fs/cgroup";

/** Folders from `path` up to the root, the root last. */
function upwards(path: string): string[] {
  const parts = path.split("/").filter(Boolean);
  return Array.from({ length: parts.length + 1 }, (_, up) => `/${parts.slice(0, parts.length - up).join("/")}`);
}

/** The files of one version of control groups. */
interface Files {
  readonly folders: readonly string[];
  readonly limit: string;
  readonly usage: string;
  /** The line of `memory.stat` with the bytes of files in memory that can be dropped. */
  readonly droppable: string;
}

/** The files of version 2 (`0::/path`) and of version 1 (`4:memory:/path`) that hold for this process. */
function filesOf(groups: string): Files[] {
  const found: Files[] = [];
  for (const line of groups.split("\n")) {
    const [, id, controllers, path] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined) continue;
    if (id === "0" && controllers === "") {
      const folders = upwards(path).map((folder) => `${ROOT}${folder === "/" ? "" : folder}`);
      found.push({ folders, limit: "memory.max", usage: "memory.current", droppable: "inactive_file" });
    } else if (controllers?.split(",").includes("memory")) {
      const folders = upwards(path).map((folder) => `${ROOT}/memory${folder === "/" ? "" : folder}`);
      found.push({
        folders,
        limit: "memory.limit_in_bytes",
        usage: "memory.usage_in_bytes",
        droppable: "total_inactive_file",
      });
    }
  }
  return found;
}

/** A limit above this (2^60 bytes) means none: version 1 writes a number near 2^63. */
const NO_LIMIT = 2 ** 60;

/**
 * The least limit of the control groups around this process, and the bytes that are free below it. Undefined without a limit,
 * on other systems than Linux, and where the files cannot be read.
 */
export async function memoryLimit(read: ReadText): Promise<{ limit: number; free: number } | undefined> {
  let least: { limit: number; free: number } | undefined;
  for (const { folders, limit, usage, droppable } of filesOf(await read("/proc/self/cgroup") ?? "")) {
    for (const folder of folders) {
      const most = Number((await read(`${folder}/${limit}`))?.trim() || NaN);
      if (!(most < NO_LIMIT)) continue;
      const used = Number((await read(`${folder}/${usage}`))?.trim() || 0);
      const files = new RegExp(`^${droppable} (\\d+)$`, "m").exec(await read(`${folder}/memory.stat`) ?? "")?.[1];
      const free = Math.max(0, most - used + Number(files ?? 0));
      if (!least || free < least.free) least = { limit: most, free };
    }
  }
  return least;
}
