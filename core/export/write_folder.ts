/** Writes the files of an export as one new folder: after a crash the folder is either complete or not there. */
import { basename, dirname, join } from "node:path";
import { type Disk, makeFolders, removeTree, requireSpace, temporaryName, writeFile } from "../disk/mod.ts";
import { UsageError } from "../errors.ts";
import type { Files } from "./exported.ts";

/** Throws a UsageError unless the folder is absent or empty. Writes nothing. */
export async function requireNewFolder(disk: Disk, out: string): Promise<void> {
  const found = await disk.stat(out), expected = "a new or empty folder";
  if (!found) return;
  const hint = "choose another folder with --out; nothing was changed";
  if (found.kind !== "folder") throw new UsageError(`${out} is not a folder`, { expected, hint });
  const { length } = await disk.list(out);
  if (length > 0) {
    throw new UsageError(`${out} is not empty`, {
      expected,
      got: length === 1 ? "1 file or folder" : `${length} files or folders`,
      hint,
    });
  }
}

/** Writes the files under a temporary name, syncs them and renames the folder. Returns the paths. Throws as {@link requireNewFolder} does. */
export async function writeFolder(disk: Disk, out: string, files: Files): Promise<string[]> {
  await requireNewFolder(disk, out);
  const target = join(dirname(out), basename(out)), temporary = temporaryName(target), encoder = new TextEncoder();
  const contents = Object.entries(files).map(([name, content]) =>
    [name, typeof content === "string" ? encoder.encode(content) : content] as const
  );
  await makeFolders(disk, dirname(target));
  await requireSpace(disk, dirname(target), contents.reduce((sum, [, { length }]) => sum + length, 0));
  await removeTree(disk, temporary);
  try {
    await disk.makeFolder(temporary);
    for (const [name, bytes] of contents) {
      await writeFile(disk, join(temporary, name), bytes);
      await disk.syncFile(join(temporary, name));
    }
    await disk.syncFolder(temporary);
    if (await disk.stat(target)) await disk.remove(target); // It is empty.
    await disk.rename(temporary, target);
  } catch (cause) {
    await removeTree(disk, temporary).catch(() => {});
    throw cause;
  }
  await disk.syncFolder(dirname(target));
  return Object.keys(files).map((name) => join(out, name));
}
