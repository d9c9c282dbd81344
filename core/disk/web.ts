/** The files of a server, read-only. Paths are relative to an address. */
import type { Disk } from "./disk.ts";
import { DiskError, type DiskOperation } from "./error.ts";

/** The address of the page; undefined outside of browsers. */
export const pageAddress = (): string | undefined =>
  Reflect.get(globalThis, "document")?.baseURI ?? Reflect.get(globalThis, "location")?.href;

/** The answer to a request for a file; undefined where there is none. */
async function asked(url: URL, operation: DiskOperation, method: "GET" | "HEAD"): Promise<Response | undefined> {
  let answer: Response;
  try {
    answer = await fetch(url, { method });
  } catch (cause) {
    throw new DiskError(operation, url.href, "NO_ANSWER", { cause });
  }
  if (answer.ok) return answer;
  await answer.body?.cancel();
  if (answer.status === 404 || answer.status === 410) return undefined;
  const cause = new Error(`the server answered ${answer.status} ${answer.statusText}`);
  throw new DiskError(operation, url.href, "UNKNOWN", { cause });
}

/** The files below an address. It ends with a slash, or with the name of a file in the same folder. */
export function webDisk(base: string | URL): Disk {
  const at = (path: string) => new URL(path, base);
  const refused = (operation: DiskOperation) => (path: string) =>
    Promise.reject(new DiskError(operation, at(path).href, "READ_ONLY_SERVER"));
  return {
    read: async (path) => {
      const answer = await asked(at(path), "read", "GET");
      if (!answer) throw new DiskError("read", at(path).href, "ENOENT");
      return new Uint8Array(await answer.arrayBuffer());
    },
    stat: async (path) => {
      const answer = await asked(at(path), "inspect", "HEAD");
      return answer && { kind: "file", link: false, bytes: Number(answer.headers.get("content-length") ?? 0) };
    },
    openRanges: refused("read"),
    writeSome: refused("write"),
    truncate: refused("truncate"),
    syncFile: refused("sync"),
    syncFolder: refused("sync"),
    rename: refused("rename"),
    remove: refused("remove"),
    list: refused("list"),
    makeFolder: refused("make folder"),
    freeSpace: refused("measure free space of"),
    lock: refused("lock"),
    isLocked: () => Promise.resolve(false),
  };
}
