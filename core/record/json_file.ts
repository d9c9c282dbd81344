/** Reads the JSON files of a run folder, and its tokenizer. */
import { type Disk, MAX_JSON, parseJson, readText, writeAtomic } from "../disk/mod.ts";
import { HymbaError } from "../errors.ts";
import { Tokenizer } from "../tokenizer/mod.ts";

/** Largest file of sampled pairs that is read, in bytes; other JSON is limited to {@link MAX_JSON}. */
export const MAX_PAIRS_BYTES = 256 * 2 ** 20;

/** Reads a tokenizer in either format. */
export async function readTokenizer(disk: Disk, path: string): Promise<Tokenizer> {
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
  const found = await disk.stat(path);
  if (!found) return undefined;
  if (found.bytes > most) {
    throw new HymbaError(`${path} is too large`, { expected: `at most ${most} bytes`, got: `${found.bytes} bytes` });
  }
  return as(parseJson(await readText(disk, path), path, { most }), path);
}

/** The text of a JSON file. */
export const jsonText = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

export const writeJson = (disk: Disk, path: string, value: unknown): Promise<void> =>
  writeAtomic(disk, path, jsonText(value));
