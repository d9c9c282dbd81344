/** Writes files where the user said with --out. A file of somebody else that has the same name is never replaced. */
import { basename, dirname, join } from "node:path";
import { type Disk, inFolder, systemDisk, writeAtomic } from "../../core/disk/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { FILES } from "../../core/record/mod.ts";
import { hasSigns, LONGEST_START, marked, signsOf } from "./own_marks.ts";

/**
 * A name in the folder, and the content. `start` matches the beginning of every file of this kind; without it, files of this kind
 * have the first line, the head or the mark of `content`.
 */
export type NamedFile = readonly [name: string, content: Uint8Array | string, start?: RegExp];

/** Stands for the content of a picture that is not drawn yet, where a command checks before it works. */
export const A_PICTURE: Uint8Array = Uint8Array.of(0x89, 0x50, 0x4e, 0x47);

async function startOf(disk: Disk, path: string, bytes: number): Promise<Uint8Array> {
  const start = new Uint8Array(Math.min(LONGEST_START, bytes)), file = await disk.openRanges(path);
  try {
    file.read(0, start);
  } finally {
    file.close();
  }
  return start;
}

/** What is at the path instead of a file of this kind; undefined if it may be replaced. An empty file may be, too. */
async function foreignAt(disk: Disk, path: string, [, content, start]: NamedFile): Promise<string | undefined> {
  const found = await disk.stat(path);
  if (!found) return undefined;
  if (found.kind !== "file") return found.kind === "folder" ? "a folder" : "a pipe or a device";
  if (found.bytes === 0) return undefined;
  const bytes = await startOf(disk, path, found.bytes);
  if (start ? start.test(new TextDecoder().decode(bytes)) : hasSigns(bytes, signsOf(content))) return undefined;
  return content instanceof Uint8Array && hasSigns(bytes, [{ at: 0, bytes: A_PICTURE }])
    ? "a picture without the mark that this program puts into its pictures"
    : "a file that begins differently";
}

/** Whether the folder is a run. Another program's file may have the name of a record, too. */
async function isRun(disk: Disk, folder: string): Promise<boolean> {
  const path = join(folder, FILES.record), found = await disk.stat(path);
  if (found?.kind !== "file") return false;
  const start = await startOf(disk, path, found.bytes);
  return /^\s*\{\s*"format":\s*\d+,\s*"study":\s*\{/.test(new TextDecoder().decode(start));
}

/** Throws a UsageError if there is another file at the path than one of this kind, whose content may be replaced. */
export async function requireOwnFile(disk: Disk, path: string, file: NamedFile): Promise<void> {
  const got = await foreignAt(disk, path, file);
  if (got === undefined) return;
  throw new UsageError(`${path} exists already, and this program did not write it`, {
    expected: "no file of this name, or an earlier version of what is to be written",
    got,
    hint: "choose another name, or move the file away; nothing was changed",
  });
}

/**
 * Nothing in a run, whose files are replaced. Elsewhere a file is replaced only where the one of this name is of the kind of
 * `content`. @throws {UsageError} naming the first file that is not.
 */
export async function requireOwnFiles(disk: Disk, folder: string, files: readonly NamedFile[]): Promise<void> {
  if (await isRun(disk, folder)) return;
  for (const file of files) await requireOwnFile(disk, join(folder, file[0]), file);
}

/**
 * Writes all files, each atomically, and returns their paths. The folder is made. Pictures get a mark, except in a run, whose
 * pictures are made again to verify it. @throws {UsageError} as `requireOwnFiles` does; then nothing is written.
 */
export async function writeOwnFiles(disk: Disk, folder: string, files: readonly NamedFile[]): Promise<string[]> {
  await requireOwnFiles(disk, folder, files);
  await inFolder(disk, folder, async () => {
    const mark = await isRun(disk, folder) ? (content: Uint8Array | string) => content : marked;
    for (const [name, content] of files) await writeAtomic(disk, join(folder, name), mark(content));
  });
  return files.map(([name]) => join(folder, name));
}

/** {@link writeOwnFiles} on the machine's own disk. */
export const writeFilesInto = (folder: string, files: readonly NamedFile[]): Promise<string[]> =>
  writeOwnFiles(systemDisk, folder, files);

/**
 * Writes one file whose path the user named, also in a run: there, too, such a path may be that of a file of the run.
 * @throws {UsageError} as `requireOwnFile` does.
 */
export async function writeOwnFile(
  disk: Disk,
  path: string,
  { content, start }: { content: Uint8Array | string; start?: RegExp },
): Promise<void> {
  await requireOwnFile(disk, path, [basename(path), content, start]);
  await inFolder(disk, dirname(path), () => writeAtomic(disk, path, marked(content)));
}
