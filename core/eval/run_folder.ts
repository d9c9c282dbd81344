/** The run directory: names of its files, and reading it back as a value. */
import { join } from "node:path";
import {
  type ArmResult,
  type AttentionMap,
  HymbaConfig,
  type MetricsLine,
  type Run,
  type RunRecord,
  type StageName,
} from "../config/mod.ts";
import { type Disk, readLog, readText, writeAtomic } from "../disk/mod.ts";
import { HymbaError, UsageError } from "../errors.ts";
import { decodeSafetensors, encodeSafetensors } from "../params/safetensors.ts";

export const STAGES: readonly StageName[] = ["pretraining", "orpo", "control"];

export const FILES = {
  record: "run.json",
  metrics: "metrics.jsonl",
  model: "tokenizer.model",
  tokenizer: "tokenizer.json",
} as const;

export const armFolder = (folder: string, arm: string, seed: number) => join(folder, "arms", `${arm}-${seed}`);
export const weightsFile = (stage: StageName) => `${stage}.safetensors`;
export const stageFile = (stage: StageName) => `${stage}.json`;
const attentionFile = (stage: StageName) => `attention-${stage}.safetensors`;

/** Reads a JSON file that may be absent. Throws a HymbaError that names a damaged one. */
export async function readJson<T>(disk: Disk, path: string): Promise<T | undefined> {
  if (!await disk.stat(path)) return undefined;
  try {
    return JSON.parse(await readText(disk, path)) as T;
  } catch (cause) {
    if (cause instanceof SyntaxError) {
      throw new HymbaError(`${path} is damaged`, { expected: "JSON", got: cause.message, cause });
    }
    throw cause;
  }
}

export const writeJson = (disk: Disk, path: string, value: unknown): Promise<void> =>
  writeAtomic(disk, path, `${JSON.stringify(value, undefined, 2)}\n`);

/** The record of a run; UsageError when the folder holds none. */
export async function readRecord(disk: Disk, folder: string): Promise<RunRecord> {
  const record = await readJson<RunRecord>(disk, join(folder, FILES.record));
  if (!record) {
    throw new UsageError(`${folder} is not a run`, {
      expected: `a folder with ${FILES.record}`,
      hint: "name a run directory, or make one with hymba ablate",
    });
  }
  if (record.format !== 1) {
    throw new HymbaError(`${folder}: unknown format of ${FILES.record}`, { expected: "1", got: String(record.format) });
  }
  const arms = record.study.arms.map(({ name, config }) => ({ name, config: new HymbaConfig(config) }));
  return { ...record, study: { ...record.study, arms } };
}

/** A run with all its finished arms, read from its folder. */
export async function loadRun(disk: Disk, folder: string): Promise<Run> {
  const record = await readRecord(disk, folder), results: ArmResult[] = [];
  for (const seed of record.study.seeds) {
    for (const { name } of record.study.arms) {
      const result = await readJson<ArmResult>(disk, join(armFolder(folder, name, seed), "result.json"));
      if (result) results.push(result);
    }
  }
  const log = join(folder, FILES.metrics);
  const metrics = await disk.stat(log) ? await readLog(disk, log) as unknown as MetricsLine[] : [];
  const attention: Partial<Record<StageName, AttentionMap[]>> = {};
  for (const stage of STAGES) {
    const path = join(armFolder(folder, "hymba", record.study.seeds[0]!), attentionFile(stage));
    if (await disk.stat(path)) attention[stage] = decodeMaps(await disk.read(path), path);
  }
  return { record, results, metrics, attention };
}

/** Stores attention maps beside an arm's weights. */
export async function writeMaps(
  disk: Disk,
  folder: string,
  { stage, maps }: { stage: StageName; maps: readonly AttentionMap[] },
): Promise<void> {
  const tensors = Object.fromEntries(maps.map(({ layer, positions, probabilities }) => [
    `layer.${layer}`,
    { dtype: "F32" as const, shape: [positions, positions], data: Float32Array.from(probabilities) },
  ]));
  const about = maps.map(({ probabilities: _, ...rest }) => rest);
  await writeAtomic(
    disk,
    join(folder, attentionFile(stage)),
    encodeSafetensors(tensors, { maps: JSON.stringify(about) }),
  );
}

function decodeMaps(bytes: Uint8Array<ArrayBuffer>, name: string): AttentionMap[] {
  const { tensors, metadata } = decodeSafetensors(bytes, { name });
  const about = JSON.parse(metadata.maps ?? "[]") as Omit<AttentionMap, "probabilities">[];
  return about.map((map) => ({ ...map, probabilities: tensors[`layer.${map.layer}`]!.data as Float32Array }));
}
