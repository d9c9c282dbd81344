/** The run directory of a command. */
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { argument } from "@optique/core/primitives";
import { loadRun, newestRun, type Run } from "../../core/record/mod.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { noteKernels } from "./kernel_note.ts";
import { runName } from "./value_parsers.ts";

export const runArgument = optional(
  argument(runName(), {
    description: message`a run directory; by default the newest one under results/runs`,
  }),
);

/** The given folder, or that of the newest run. */
export const folderOf = async (run: string | undefined): Promise<string> => run ?? await newestRun(systemDisk);

/**
 * The given run, or the newest one, with its folder. A note on standard error says when other kernels made it. `margin` replaces
 * the margin of the study within which models are called equal.
 */
export async function openRun(
  run: string | undefined,
  { margin }: { margin?: number } = {},
): Promise<{ folder: string; run: Run }> {
  const folder = await folderOf(run), loaded = await loadRun(systemDisk, folder);
  await noteKernels(folder, loaded.record);
  if (margin === undefined) return { folder, run: loaded };
  const study = { ...loaded.record.study, equivalenceMargin: margin };
  return { folder, run: { ...loaded, record: { ...loaded.record, study } } };
}
