/** checksums.json: length and SHA-256 of every file of a finished run. */
import { join, relative } from "node:path";
import { type Digest, type Disk, DiskError, MAX_JSON, parseJson, readText, sha256, writeAtomic } from "../disk/mod.ts";
import { type Checked, digest as hexDigest, mapOf, object, readAs, whole } from "../file_schema.ts";
import { FILES, jsonText } from "../record/mod.ts";

export const CHECKSUMS = FILES.checksums;
/** Files that say nothing of the run: the lock, and the list itself. */
const LEFT_OUT: readonly string[] = [FILES.lock, CHECKSUMS];
/** Checkpoints that other cells start from. Each is removed when its cell has started. */
const FOR_OTHERS = /^arms\/[^/]+\/branches$/;

/** Most files of a run: the length of JSON that is read bounds them anyway. */
const MAX_FILES = 2 ** 20;
const checksums = mapOf(object({ bytes: whole(), sha256: hexDigest }), { max: MAX_FILES });
type Checksums = Checked<typeof checksums>;

/** One thing that was looked at. */
export interface Finding {
  readonly what: string;
  readonly ok: boolean;
  /** The fault, or what was compared. */
  readonly detail: string;
}

/** Paths of all files in a folder, relative to it, with `/` between names. A link to a folder is not followed. */
async function filesIn(disk: Disk, folder: string, prefix = ""): Promise<string[]> {
  const found: string[] = [];
  for (const name of await disk.list(join(folder, prefix))) {
    const path = prefix === "" ? name : `${prefix}/${name}`;
    if (LEFT_OUT.includes(path) || FOR_OTHERS.test(path)) continue;
    const entry = await disk.stat(join(folder, path));
    if (entry?.kind === "folder" && entry.link) continue;
    if (entry?.kind === "folder") found.push(...await filesIn(disk, folder, path));
    else found.push(path);
  }
  return found;
}

async function digest(disk: Disk, path: string): Promise<Digest> {
  const bytes = await disk.read(path);
  return { bytes: bytes.length, sha256: sha256(bytes) };
}

/** Writes checksums.json of the files that are in the run folder now. Returns its path. */
export async function writeChecksums(disk: Disk, folder: string): Promise<string> {
  const sums: Record<string, Digest> = {}, path = join(folder, CHECKSUMS);
  for (const file of await filesIn(disk, folder)) sums[file] = await digest(disk, join(folder, file));
  await writeAtomic(disk, path, jsonText(sums));
  return path;
}

/**
 * Updates the entry of one file, after a command changed that file of a finished run. Does nothing for a run without a list.
 */
export async function updateChecksum(disk: Disk, folder: string, file: string): Promise<void> {
  const sums = await readChecksums(disk, folder);
  if (typeof sums === "string") return;
  await writeAtomic(
    disk,
    join(folder, CHECKSUMS),
    jsonText({ ...sums, [file]: await digest(disk, join(folder, file)) }),
  );
}

/** Takes files and everything in folders off the list, before they are deleted. A run without a list gets none. */
export async function dropChecksums(disk: Disk, folder: string, paths: readonly string[]): Promise<void> {
  const sums = await readChecksums(disk, folder);
  if (typeof sums === "string") return;
  const dropped = paths.map((path) => relative(folder, path).replaceAll("\\", "/"));
  const stays = (file: string) => !dropped.some((path) => file === path || file.startsWith(`${path}/`));
  const kept = Object.fromEntries(Object.entries(sums).filter(([file]) => stays(file)));
  await writeAtomic(disk, join(folder, CHECKSUMS), jsonText(kept));
}

/** The list, or why it cannot be believed. */
async function readChecksums(disk: Disk, folder: string): Promise<Checksums | string> {
  const path = join(folder, CHECKSUMS);
  if (!await disk.stat(path)) return `missing: the run has no ${CHECKSUMS}; a finished ${FILES.record} gets one`;
  try {
    const text = await readText(disk, path, { most: MAX_JSON }), sums = readAs(checksums, parseJson(text, path), path);
    return jsonText(sums) === text ? sums : "damaged: its text is not in the form that this program writes";
  } catch (error) {
    if (error instanceof DiskError && error.code === "ENOENT") {
      return "it is a link to a file that is not there; remove the link and repeat the command that made the run: it writes the list again";
    }
    return `damaged: ${error instanceof Error ? error.message : error}`;
  }
}

/** Compares every file with checksums.json. A file that is not on the list was added later and is reported. */
export async function checkChecksums(disk: Disk, folder: string): Promise<Finding[]> {
  const sums = await readChecksums(disk, folder);
  if (typeof sums === "string") return [{ what: CHECKSUMS, ok: false, detail: sums }];
  const findings: Finding[] = [], present = await filesIn(disk, folder);
  for (const file of [...new Set([...Object.keys(sums), ...present])].sort()) {
    findings.push({ what: file, ...await compare(disk, folder, { file, wanted: sums[file], present }) });
  }
  return findings;
}

async function compare(
  disk: Disk,
  folder: string,
  { file, wanted, present }: { file: string; wanted: Digest | undefined; present: readonly string[] },
): Promise<Omit<Finding, "what">> {
  if (!wanted) return { ok: true, detail: `not of this run: not in ${CHECKSUMS}` };
  if (!present.includes(file)) return { ok: false, detail: "missing" };
  const found = await digest(disk, join(folder, file));
  const ok = found.bytes === wanted.bytes && found.sha256 === wanted.sha256;
  return { ok, detail: ok ? found.sha256 : `expected ${wanted.sha256}, got ${found.sha256}` };
}
