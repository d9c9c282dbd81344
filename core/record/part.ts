/** cells.json: the cells of a run folder that has only a part of its study. A whole run has no such file. */
import { join } from "../system/path.ts";
import { type Disk, writeAtomic } from "../disk/mod.ts";
import { type Checked, list, object, oneOf, readAs, whole } from "../file_schema.ts";
import { readJson } from "./json_file.ts";
import { FILES } from "./paths.ts";
import { RECORD_LIMITS } from "./rules.ts";

const index = whole({ max: RECORD_LIMITS.arms * RECORD_LIMITS.seeds });

const part = object({
  format: oneOf([1]),
  /** `cells`: this folder runs these cells. `merge`: these cells have been merged, or the merge was stopped. */
  made_by: oneOf(["cells", "merge"]),
  /** Cells of the whole study. */
  of: index,
  /** Cells that are in this folder, from 0, ascending. */
  cells: list(index, { max: RECORD_LIMITS.arms * RECORD_LIMITS.seeds }),
});

/** The content of cells.json. */
export type Part = Checked<typeof part>;

/** The part of a study that a run folder has; undefined for a whole run. Throws a HymbaError when the file is damaged. */
export const readPart = (disk: Disk, folder: string): Promise<Part | undefined> =>
  readJson(disk, join(folder, FILES.part), { as: (value, path) => readAs(part, value, path) });

export const writePart = (disk: Disk, folder: string, part: Omit<Part, "format">): Promise<void> =>
  writeAtomic(disk, join(folder, FILES.part), `${JSON.stringify({ format: 1, ...part })}\n`);
