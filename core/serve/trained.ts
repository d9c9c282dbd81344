/** The trained weights of a run that may be given away, and the addresses that they have on the page. */
import { join } from "node:path";
import type { Disk } from "../disk/mod.ts";
import { armFolder, FILES, type RunRecord, STAGES, weightsFile } from "../record/mod.ts";
import type { ModelView } from "../page/views.ts";

/** A model with the path of its file on the disk. */
export interface TrainedFile extends ModelView {
  readonly path: string;
}

/** The weights of every arm, seed and stage that a run has. Files and folders that are links are left out: they lead elsewhere. */
export async function trainedFiles(disk: Disk, folder: string, { study }: RunRecord): Promise<TrainedFile[]> {
  const found: TrainedFile[] = [];
  if ((await disk.stat(join(folder, FILES.arms)))?.link) return found;
  for (const { name: arm } of study.arms) {
    for (const seed of study.seeds) {
      const place = armFolder(folder, arm, seed), kept = await disk.stat(place);
      if (kept?.kind !== "folder" || kept.link) continue;
      for (const stage of STAGES) {
        const path = join(place, weightsFile(stage)), stat = await disk.stat(path);
        if (stat?.kind !== "file" || stat.link) continue;
        found.push({ arm, seed, stage, path, bytes: stat.bytes, file: addressOf(arm, seed, stage) });
      }
    }
  }
  return found;
}

/** The address of weights, relative to the page. A static copy has a file of this name, so it has no character that a system refuses. */
const addressOf = (arm: string, seed: number, stage: string) =>
  `models/${encodeURIComponent(arm).replaceAll("%", "~")}-${seed}-${stage}.safetensors`;
