/** The common part of the commands that write a document. */
import { systemDisk } from "../../core/disk/mod.ts";
import { commandAmong, printJson } from "../ui/output.ts";
import { writeOwnFile } from "./own_files.ts";

/** Writes a document and prints its path. Throws a UsageError where it would replace another file. */
export async function writeDocument(
  path: string,
  { content, json }: { content: string | Uint8Array; json: boolean },
): Promise<void> {
  await writeOwnFile(systemDisk, path, { content });
  if (json) printJson(commandAmong("architecture", "review"), { written: [path] });
  else console.log(`wrote ${path}`);
}
