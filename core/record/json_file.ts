/** Reads the JSON files of a run folder, and its tokenizer. */
import { type Disk, MAX_JSON, parseJson, readText, requireAtMost, writeAtomic } from "../disk/mod.ts";
import { Tokenizer } from "../tokenizer/mod.ts";

/** Largest file of sampled pairs that is read, in bytes; other JSON is limited to {@link MAX_JSON}. */
export const MAX_PAIRS_BYTES = 256 * 2 ** 20;

/** Largest file of a tokenizer that is read, in bytes: some ten times the largest known. */
const MAX_TOKENIZER = 256 * 2 ** 20;

/** A tokenizer from either of its forms. Throws a HymbaError when it is damaged or too large. */
export async function readTokenizer(disk: Disk, path: string): Promise<Tokenizer> {
  await requireAtMost(disk, path, MAX_TOKENIZER);
  return path.endsWith(".json")
    ? await Tokenizer.openJson(await readText(disk, path), { name: path })
    : Tokenizer.fromModelBytes(await disk.read(path), { name: path });
}

/**
 * Reads a JSON file that may be absent. `as` checks its value. Throws a HymbaError that names a damaged file, or one of more than
 * `most` bytes.
 */
export async function readJson<T>(
  disk: Disk,
  path: string,
  { as, most = MAX_JSON }: { as: (value: unknown, path: string) => T; most?: number },
): Promise<T | undefined> {
  if (!await disk.stat(path)) return undefined;
  return as(parseJson(await readText(disk, path, { most }), path, { most }), path);
}

/** The text of a JSON file. */
export const jsonText = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

export const writeJson = (disk: Disk, path: string, value: unknown): Promise<void> =>
  writeAtomic(disk, path, jsonText(value));
