/** Files of runs without times and command lines, so that two runs can be compared. */
import { type Disk, readText, sha256 } from "../../core/disk/mod.ts";

/** Keys of JSON files whose values are times, speeds, words of a command line, or follow from these. */
const OF_TIME =
  /^(started|when|command|trained_by|log|sha256|train_s|tokens_per_s|(training|generation)_tokens_per_s|state\.json)$/;

const timeless = (text: string) =>
  JSON.stringify(JSON.parse(text), (key, value) => OF_TIME.test(key) ? undefined : value);

/** The SHA-256 of a file. */
export const hashOf = async (disk: Disk, path: string) => sha256(await disk.read(path));

/** The content of a JSON file without times, and the SHA-256 of any other file. */
export async function contentOf(disk: Disk, path: string): Promise<string> {
  if (path.endsWith(".jsonl")) return (await readText(disk, path)).trimEnd().split("\n").map(timeless).join("\n");
  return path.endsWith(".json") ? timeless(await readText(disk, path)) : await hashOf(disk, path);
}
