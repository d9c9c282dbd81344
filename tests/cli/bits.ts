/** The files of a run without times, to compare runs. */
import { join } from "node:path";
import { sha256, systemDisk } from "../../core/disk/mod.ts";
import { filesBelow } from "../../core/study/merge/copy.ts";
import { contentOf } from "../study/timeless.ts";
import type { Place } from "./command_line.ts";

/** Artifacts that show times or speeds, and files that are made of their bytes. */
const SHOWS_TIMES =
  /(^|\/)(checksums\.json|speeds\.json|lock|(ablation_results|budgets)\..*|detailed_metrics.*|report\.html)$/;

/** The SHA-256 of every file of a run without times. Checkpoints are left out: a stop makes one more, so their numbers differ. */
export async function bitsOf(place: Place, folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}, root = join(place.folder, folder);
  for (const file of await filesBelow(systemDisk, root)) {
    if (!SHOWS_TIMES.test(file) && !file.includes("checkpoints/")) {
      found[file] = sha256(await contentOf(systemDisk, join(root, file)));
    }
  }
  return found;
}
