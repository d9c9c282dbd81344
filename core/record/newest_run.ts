/** Finds the run that a command uses when none is named. */
import { join } from "../system/path.ts";
import type { Disk } from "../disk/mod.ts";
import { UsageError } from "../errors.ts";
import { readRecord } from "./load_run.ts";
import { FILES } from "./paths.ts";

/** The default folder of runs. */
export const RUNS = join("results", "runs");

/**
 * The run below `root` that was started last. Folders without a run are skipped. Throws a UsageError if there is no run, and a
 * HymbaError for a damaged record, because that run could be the newest.
 */
export async function newestRun(disk: Disk, { root = RUNS }: { root?: string } = {}): Promise<string> {
  const names = (await disk.stat(root))?.kind === "folder" ? await disk.list(root) : [];
  let newest: { folder: string; started: string } | undefined;
  for (const name of names) {
    const folder = join(root, name);
    if ((await disk.stat(folder))?.kind !== "folder" || !await disk.stat(join(folder, FILES.record))) continue;
    const { started } = await readRecord(disk, folder);
    if (!newest || started > newest.started) newest = { folder, started };
  }
  if (newest) return newest.folder;
  throw new UsageError(`there is no run in ${root}`, {
    hint: "name a run directory, or make one with hymba ablate",
  });
}
