/** The run that a command means when none is named. */
import { join } from "node:path";
import type { Disk } from "../disk/mod.ts";
import { UsageError } from "../errors.ts";
import { readRecord } from "./load_run.ts";

/** The folder below which runs are kept unless another is named. */
export const RUNS = join("results", "runs");

/** The run below `root` that was started last. Folders that hold no run are passed over; throws UsageError when none does. */
export async function newestRun(disk: Disk, { root = RUNS }: { root?: string } = {}): Promise<string> {
  const names = (await disk.stat(root))?.kind === "folder" ? await disk.list(root) : [];
  let newest: { folder: string; started: string } | undefined;
  for (const name of names) {
    const folder = join(root, name), record = await readRecord(disk, folder).catch(() => undefined);
    if (record && (!newest || record.started > newest.started)) newest = { folder, started: record.started };
  }
  if (newest) return newest.folder;
  throw new UsageError(`there is no run in ${root}`, {
    hint: "name a run directory, or make one with hymba ablate",
  });
}
