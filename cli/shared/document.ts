/** The common part of the commands that write a document. */
import { dirname } from "node:path";
import { makeFolders, systemDisk, writeAtomic } from "../../core/disk/mod.ts";
import { commandAmong, printJson } from "../ui/output.ts";

/** Writes a document and prints its path. */
export async function writeDocument(
  path: string,
  { content, json }: { content: string | Uint8Array; json: boolean },
): Promise<void> {
  await makeFolders(systemDisk, dirname(path));
  await writeAtomic(systemDisk, path, content);
  if (json) printJson(commandAmong("architecture", "review"), { written: [path] });
  else console.log(`wrote ${path}`);
}
