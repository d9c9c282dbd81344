/** Checks that a run folder can be continued with these cells. Folders of cells, merged runs and whole runs are not mixed. */
import { join } from "node:path";
import type { StudyConfig } from "../config/mod.ts";
import type { Disk } from "../disk/mod.ts";
import { UsageError } from "../errors.ts";
import { FILES, type Part, readPart, writePart } from "../record/mod.ts";
import { type Cell, cellsOf } from "./cells.ts";

/** Cells in words: `cell 3 of 10`, `cells 0, 2 of 10`. */
export const cellsInWords = (indices: readonly number[], of: number): string =>
  indices.length === 0
    ? `none of ${of} cells`
    : `cell${indices.length === 1 ? "" : "s"} ${indices.join(", ")} of ${of}`;

const holds = (part: Part | undefined): string =>
  part === undefined
    ? "a whole study"
    : `${cellsInWords(part.cells, part.of)}${part.made_by === "merge" ? ", merged" : ""}`;

/** Writes cells.json of a new folder of cells. Throws a UsageError if the folder has other cells than those to run. */
export async function requirePart(
  disk: Disk,
  folder: string,
  { study, cells }: { study: StudyConfig; cells: readonly Cell[] | undefined },
): Promise<void> {
  const part = await readPart(disk, folder), wanted = cells?.map(({ index }) => index), of = cellsOf(study).length;
  const begun = part !== undefined || await disk.stat(join(folder, FILES.record)) !== undefined;
  if (!begun) {
    if (wanted) await writePart(disk, folder, { made_by: "cells", of, cells: wanted });
    return;
  }
  if (part?.made_by !== "merge" && part?.cells.join() === wanted?.join()) return;
  throw new UsageError(`${folder} holds ${holds(part)}`, {
    expected: wanted ? `a new folder, or one that holds ${cellsInWords(wanted, of)}` : "a new folder, or a whole study",
    hint: part?.made_by === "merge"
      ? "run the missing cells with hymba ablate --cell in folders of their own, and merge again"
      : "choose another folder with --out; hymba merge makes a whole study of cells",
  });
}
