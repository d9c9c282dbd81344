/** The parts of a run that must not depend on how often it was stopped, killed or restarted: everything except times. */
import { join } from "node:path";
import { type Disk, memoryDisk, sha256, writeFile } from "../../core/disk/mod.ts";
import { stagesOf } from "../../core/study/stage_plans.ts";
import { armFolder, loadRun, readRecord } from "../../core/record/mod.ts";
import { loadLatest } from "../../core/params/checkpoint.ts";

/** Names whose values depend on a clock. */
const OF_TIME = /_s$|^(started|log)$/;

/** JSON text of a value without times. */
export const timeless = (value: unknown): string =>
  JSON.stringify(value, (key, inner) => OF_TIME.test(key) ? undefined : inner);

const digest = (text: string) => sha256(new TextEncoder().encode(text));

/** Files of an arm that hold only results of the training, so their bytes do not depend on when they were written. */
const isExact = (name: string) => name.endsWith(".safetensors") || name === "pairs.json";

/** Weights, moments and data position of the newest checkpoint of each stage. */
async function checkpointsOf(disk: Disk, folder: string, stages: readonly string[]): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const stage of stages) {
    const checkpoint = await loadLatest(disk, join(folder, "checkpoints"), { stage });
    if (!checkpoint) continue;
    for (const [group, tensors] of Object.entries(checkpoint.groups)) {
      const parts = Object.entries(tensors).map(([name, { data }]) =>
        `${name} ${sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))}`
      );
      found[`${stage} ${group}`] = digest(parts.join("\n"));
    }
    found[`${stage} position`] = `${checkpoint.step} ${timeless(checkpoint.state)}`;
  }
  return found;
}

/** SHA-256 of each part: weights, both moments, data position, metrics, results, losses of tokens, samples and attention. */
export async function fingerprint(disk: Disk, folder: string): Promise<Record<string, string>> {
  const { study } = await readRecord(disk, folder), run = await loadRun(disk, folder);
  const found: Record<string, string> = {
    record: digest(timeless({ ...run.record, command: "", test_readings: undefined })),
    metrics: digest(run.metrics.map(timeless).join("\n")),
    results: digest(timeless(run.results)),
    recall: digest(timeless(run.recall)),
  };
  for (const seed of study.seeds) {
    for (const { name } of study.arms) {
      const arm = armFolder(folder, name, seed);
      if (!await disk.stat(arm)) continue;
      for (const file of await disk.list(arm)) {
        if (isExact(file)) found[`${name} ${seed} ${file}`] = sha256(await disk.read(join(arm, file)));
      }
      for (const [what, value] of Object.entries(await checkpointsOf(disk, arm, stagesOf(study)))) {
        found[`${name} ${seed} checkpoint ${what}`] = value;
      }
    }
  }
  return found;
}

/** A copy of a folder on a new disk in memory. */
export async function copied(disk: Disk, folder: string): Promise<Disk> {
  const copy = memoryDisk();
  const walk = async (path: string): Promise<void> => {
    if ((await disk.stat(path))?.kind === "folder") {
      await copy.makeFolder(path);
      for (const name of await disk.list(path)) await walk(join(path, name));
    } else await writeFile(copy, path, await disk.read(path));
  };
  await walk(folder);
  return copy;
}
