/** Writes files into a folder that the user named with --out. A file of somebody else that has the same name is never replaced. */
import { join } from "node:path";
import { type Disk, makeFolders, systemDisk, writeAtomic } from "../../core/disk/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { FILES } from "../../core/record/mod.ts";

/** A name in the folder, and the content. */
export type NamedFile = readonly [name: string, content: Uint8Array | string];

/** Pages of this program are recognised by their first bytes, which end in their content security policy. */
const PAGE = /^<!doctype html>[^]*?default-src 'none'/;
/** Most bytes of the start that is compared. */
const LONGEST_START = 4096;

/** The start that a file of the same kind has: the head of a page, the header of a table, the signature of a PNG, a title. */
function startOf(content: Uint8Array | string): Uint8Array {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content.slice(0, LONGEST_START)) : content;
  const page = PAGE.exec(new TextDecoder().decode(bytes.subarray(0, LONGEST_START)));
  if (page) return new TextEncoder().encode(page[0]);
  return bytes.subarray(0, Math.min(LONGEST_START, bytes.indexOf(0x0a) + 1 || bytes.length));
}

async function isOfThisKind(disk: Disk, path: string, content: Uint8Array | string): Promise<boolean> {
  const found = await disk.stat(path);
  if (!found) return true;
  const wanted = startOf(content), start = new Uint8Array(wanted.length);
  if (found.kind !== "file" || found.bytes < wanted.length) return false;
  const file = await disk.openRanges(path);
  file.read(0, start);
  file.close();
  return wanted.every((byte, i) => start[i] === byte);
}

/**
 * Nothing in a run, whose files are replaced. Elsewhere a file is replaced only where the one of this name begins as `content`
 * does. @throws {UsageError} naming the first file that does not.
 */
export async function requireOwnFiles(disk: Disk, folder: string, files: readonly NamedFile[]): Promise<void> {
  if (await disk.stat(join(folder, FILES.record))) return;
  for (const [name, content] of files) {
    const path = join(folder, name);
    if (await isOfThisKind(disk, path, content)) continue;
    throw new UsageError(`${path} exists already, and this program did not write it`, {
      expected: "no file of this name, or an earlier version of what is to be written",
      hint: "choose another folder with --out, or move the file away; nothing was changed",
    });
  }
}

/**
 * Writes all files, each atomically, and returns their paths. The folder is made. @throws {UsageError} as
 * `requireOwnFiles` does; then nothing is written.
 */
export async function writeOwnFiles(disk: Disk, folder: string, files: readonly NamedFile[]): Promise<string[]> {
  await requireOwnFiles(disk, folder, files);
  await makeFolders(disk, folder);
  for (const [name, content] of files) await writeAtomic(disk, join(folder, name), content);
  return files.map(([name]) => join(folder, name));
}

/** {@link writeOwnFiles} on the machine's own disk. */
export const writeFilesInto = (folder: string, files: readonly NamedFile[]): Promise<string[]> =>
  writeOwnFiles(systemDisk, folder, files);
