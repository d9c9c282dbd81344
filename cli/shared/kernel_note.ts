/** Notes on standard error about runs that other kernels made. Every command that reads a run prints them. */
import { otherKernels } from "../../core/backend/kernels_hash.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import type { RunRecord } from "../../core/record/mod.ts";
import { say } from "../ui/say.ts";

/** Prints a note if other kernels than those of this program made a run, and returns its sentence. */
export async function noteKernels(
  folder: string,
  record: RunRecord,
  tell: (line: string) => void = say,
): Promise<string | undefined> {
  const other = await otherKernels(systemDisk, record);
  if (other) tell(`note: ${folder}: ${other}`);
  return other;
}

/** Prints one note for all runs of the same other kernels. */
export async function noteKernelsOf(
  runs: readonly { readonly folder: string; readonly record?: RunRecord }[],
): Promise<void> {
  const found = runs.flatMap(({ folder, record }) => record ? [{ folder, record }] : []);
  const madeAlike = ({ record: { backend, adapter, kernels } }: typeof found[number]) =>
    JSON.stringify([backend, adapter.build, kernels]);
  for (const [first, ...more] of Map.groupBy(found, madeAlike).values()) {
    if (first) await noteKernels([first, ...more].map(({ folder }) => folder).join(", "), first.record);
  }
}
