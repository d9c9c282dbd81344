/** Checks that a run may write into a folder: it must not overwrite files of somebody else. */
import { join } from "../system/path.ts";
import { type Disk, isLockText, temporaryName } from "../disk/mod.ts";
import { HymbaError, quoted, UsageError } from "../errors.ts";
import { readRecord } from "./load_run.ts";
import { FILES } from "./paths.ts";

/** Files that a run writes before its record, and after its lock. A process that was killed may have left them. */
const BEFORE_THE_RECORD = [FILES.model, FILES.tokenizer, FILES.record, FILES.part]
  .flatMap((name) => [name, temporaryName(name)]);

/** Longest text of a lock that is read (bytes). */
const LONGEST_LOCK = 4096;

async function isOwnLock(disk: Disk, folder: string): Promise<boolean> {
  const path = join(folder, FILES.lock), found = await disk.stat(path);
  if (found?.kind !== "file" || found.bytes > LONGEST_LOCK) return false;
  return isLockText(new TextDecoder().decode(await disk.read(path)));
}

const CHOOSE = "choose another folder with --out, or move these files away; nothing was changed";

/** Throws a UsageError when a run has a link in it: training would write where the link leads, and a copy would have what is there. */
export async function requireNoLinks(disk: Disk, folder: string): Promise<void> {
  for (const name of await disk.list(folder)) {
    const path = join(folder, name), found = await disk.stat(path);
    if (found?.link) {
      throw new UsageError(`${path} is a link`, {
        expected: "a run whose files and folders are in it",
        hint: "replace it by the file or folder itself, or choose another folder with --out; nothing was changed",
      });
    }
    if (found?.kind === "folder") await requireNoLinks(disk, path);
  }
}

/**
 * Throws a UsageError unless the folder is absent, empty, a run, or left by a process that was killed before it wrote the
 * record. Throws a HymbaError if its record cannot be read. Writes nothing.
 */
export async function requireOwnFolder(disk: Disk, folder: string): Promise<void> {
  const found = await disk.stat(folder);
  if (!found) return;
  const expected = `a new or empty folder, or a run (a folder with ${FILES.record})`;
  if (found.kind !== "folder") throw new UsageError(`${folder} is not a folder`, { expected, hint: CHOOSE });
  const names = await disk.list(folder);
  if (names.includes(FILES.record)) {
    await requireNoLinks(disk, folder);
    return void await readRecord(disk, folder);
  }
  const own = await isOwnLock(disk, folder) ? [FILES.lock, ...BEFORE_THE_RECORD] : [];
  const others = names.filter((name) => !own.includes(name)).map(quoted);
  if (others.length === 0) return;
  const more = others.length > 3 ? ` and ${others.length - 3} more` : "";
  throw new UsageError(`${folder} has files in it and is not a run`, {
    expected,
    got: `${others.slice(0, 3).join(", ")}${more}`,
    hint: CHOOSE,
  });
}

/** Throws a HymbaError if the tokenizer of a run does not match its record. */
export function requireOwnTokenizer(path: string, { hash, recorded }: { hash: string; recorded: string }): void {
  if (hash === recorded) return;
  throw new HymbaError(`${path} is not the tokenizer of this run`, {
    expected: `the tokenizer that ${FILES.record} names, ${recorded}`,
    got: hash,
    hint: "put the run's own file back, or train in another folder",
  });
}
