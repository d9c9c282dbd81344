/** The run directory: names of its files, and reading it back as a value. */
import { join } from "node:path";
import { mainArm, type StudyConfig } from "../config/mod.ts";
import { MAX_JSON, parseJson } from "../disk/mod.ts";
import {
  type ArmResult,
  armResultOf,
  type AttentionMap,
  attentionMapsOf,
  metricsLineOf,
  type RecallResult,
  recallResultOf,
  type Run,
  type RunRecord,
  runRecordOf,
  type StageName,
  STAGES,
  type TokenLosses,
} from "./mod.ts";
import { type Disk, readLog, readText, writeAtomic } from "../disk/mod.ts";
import { HymbaError, UsageError } from "../errors.ts";
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from "../params/safetensors.ts";
import { loadStudent } from "../student.ts";
import { Tokenizer } from "../tokenizer/mod.ts";

export { STAGES } from "./mod.ts";

/** Largest file of sampled pairs that is read, in bytes; JSON that is no list of tokens may have {@link MAX_JSON}. */
export const MAX_PAIRS_BYTES = 256 * 2 ** 20;

export const FILES = {
  record: "run.json",
  metrics: "metrics.jsonl",
  model: "tokenizer.model",
  tokenizer: "tokenizer.json",
} as const;

/** The tokenizer that a run works with. The documented study's cannot be written as a SentencePiece model. */
export const tokenizerPath = (folder: string, { profile }: Pick<StudyConfig, "profile">): string =>
  join(folder, profile === undefined ? FILES.model : FILES.tokenizer);

/** A tokenizer from either of its forms. */
export async function readTokenizer(disk: Disk, path: string): Promise<Tokenizer> {
  return path.endsWith(".json")
    ? Tokenizer.fromJson(await readText(disk, path), { name: path })
    : Tokenizer.fromModelBytes(await disk.read(path), { name: path });
}

export const armFolder = (folder: string, arm: string, seed: number) => join(folder, "arms", `${arm}-${seed}`);
export const weightsFile = (stage: StageName) => `${stage}.safetensors`;
export const stageFile = (stage: StageName) => `${stage}.json`;
const lossesFile = (stage: StageName) => `losses-${stage}.safetensors`;
const attentionFile = (stage: StageName) => `attention-${stage}.safetensors`;

/** Reads a JSON file that may be absent. Throws a HymbaError that names a damaged one, or one of more than `most` bytes. */
export async function readJson<T>(disk: Disk, path: string, { most = MAX_JSON } = {}): Promise<T | undefined> {
  const found = await disk.stat(path);
  if (!found) return undefined;
  if (found.bytes > most) {
    throw new HymbaError(`${path} is too large`, { expected: `at most ${most} bytes`, got: `${found.bytes} bytes` });
  }
  return parseJson(await readText(disk, path), path, { most }) as T;
}

export const writeJson = (disk: Disk, path: string, value: unknown): Promise<void> =>
  writeAtomic(disk, path, `${JSON.stringify(value, undefined, 2)}\n`);

/** The record of a run; UsageError when the folder holds none. */
export async function readRecord(disk: Disk, folder: string): Promise<RunRecord> {
  const path = join(folder, FILES.record), record = await readJson<unknown>(disk, path);
  if (record === undefined) {
    throw new UsageError(`${folder} is not a run`, {
      expected: `a folder with ${FILES.record}`,
      hint: "name a run directory, or make one with hymba ablate",
    });
  }
  return runRecordOf(record, path);
}

/** A run with all its finished arms, read from its folder. */
export async function loadRun(disk: Disk, folder: string): Promise<Run> {
  const record = await readRecord(disk, folder), results: ArmResult[] = [];
  if (record.study.seeds.length > 1) await loadStudent();
  for (const seed of record.study.seeds) {
    for (const { name } of record.study.arms) {
      const path = join(armFolder(folder, name, seed), "result.json"), result = await readJson<unknown>(disk, path);
      if (result !== undefined) results.push(armResultOf(result, path));
    }
  }
  const log = join(folder, FILES.metrics);
  const metrics = await disk.stat(log)
    ? (await readLog(disk, log)).map((line, i) => metricsLineOf(line, `${log}, line ${i + 1}`))
    : [];
  const tokenLosses: TokenLosses[] = [];
  for (const { arm, seed } of results) {
    for (const stage of STAGES) {
      const path = join(armFolder(folder, arm, seed), lossesFile(stage));
      if (await disk.stat(path)) {
        tokenLosses.push({ arm, seed, stage, nats: decodeLosses(await disk.read(path), path) });
      }
    }
  }
  const recall = await loadRecall(disk, folder, record), attention = await loadAttention(disk, folder, record);
  return { record, results, metrics, tokenLosses, recall, attention };
}

async function loadAttention(disk: Disk, folder: string, { study }: RunRecord): Promise<Run["attention"]> {
  const arm = mainArm(study), [seed] = study.seeds, attention: Partial<Record<StageName, AttentionMap[]>> = {};
  if (arm === undefined || seed === undefined) return attention;
  for (const stage of STAGES) {
    const path = join(armFolder(folder, arm, seed), attentionFile(stage));
    if (await disk.stat(path)) attention[stage] = decodeMaps(await disk.read(path), path);
  }
  return attention;
}

export const recallFile = (folder: string, arm: string, seed: number) => join(folder, "recall", `${arm}-${seed}.json`);

async function loadRecall(disk: Disk, folder: string, { study }: RunRecord): Promise<RecallResult[]> {
  const found: RecallResult[] = [];
  for (const seed of study.seeds) {
    for (const { name } of study.recall?.arms ?? []) {
      const path = recallFile(folder, name, seed), result = await readJson<unknown>(disk, path);
      if (result !== undefined) found.push(recallResultOf(result, path));
    }
  }
  return found;
}

/** Stores the loss of every validation token (nats) after a stage, beside the arm's weights. */
export async function writeLosses(
  disk: Disk,
  folder: string,
  { stage, nats }: Pick<TokenLosses, "stage" | "nats">,
): Promise<void> {
  const data = Float32Array.from(nats), tensors = { nats: { dtype: "F32" as const, shape: [data.length], data } };
  await writeAtomic(disk, join(folder, lossesFile(stage)), encodeSafetensors(tensors));
}

function decodeLosses(bytes: Uint8Array<ArrayBuffer>, name: string): Float32Array {
  const { nats } = decodeSafetensors(bytes, { name }).tensors;
  if (nats?.dtype === "F32") return nats.data as Float32Array;
  throw new HymbaError(`${name} holds no losses`, { expected: "a tensor nats, F32" });
}

/** Cells of the lower triangle with its diagonal. */
const triangle = (P: number) => P * (P + 1) / 2;

/** Stores attention maps beside an arm's weights. */
export async function writeMaps(
  disk: Disk,
  folder: string,
  { stage, maps }: { stage: StageName; maps: readonly AttentionMap[] },
): Promise<void> {
  const tensors: Record<string, StoredTensor> = {};
  for (const { layer, positions: P, probabilities, heads } of maps) {
    tensors[`layer.${layer}`] = { dtype: "F32", shape: [P, P], data: Float32Array.from(probabilities) };
    if (heads === undefined) continue;
    const shape = [heads.length / triangle(P), triangle(P)];
    tensors[`layer.${layer}.heads`] = { dtype: "U8", shape, data: Uint8Array.from(heads) };
  }
  // The maps of one text share its labels, which are stored once: a header's texts have a limit.
  const [first] = maps, same = JSON.stringify(first?.labels);
  const about = maps.map(({ probabilities: _, heads: __, labels, ...rest }) =>
    JSON.stringify(labels) === same ? rest : { ...rest, labels }
  );
  const words = { maps: JSON.stringify(about), ...(first && { labels: same }) };
  await writeAtomic(disk, join(folder, attentionFile(stage)), encodeSafetensors(tensors, words));
}

/** Reads a file of attention maps. Throws a HymbaError when what it says of its tensors does not hold. */
export function decodeMaps(bytes: Uint8Array<ArrayBuffer>, name: string): AttentionMap[] {
  const { tensors, metadata } = decodeSafetensors(bytes, { name });
  const found = parseJson(metadata.maps ?? "[]", name);
  const shared = metadata.labels === undefined ? {} : { labels: parseJson(metadata.labels, name) };
  const about: unknown = Array.isArray(found) ? found.map((map: object) => ({ ...shared, ...map })) : found;
  return attentionMapsOf(about, name).map((map) => {
    const own = (key: string) => Object.hasOwn(tensors, key) ? tensors[key] : undefined;
    const mean = own(`layer.${map.layer}`), heads = own(`layer.${map.layer}.heads`);
    const fits = heads === undefined || heads.dtype === "U8" && heads.data.length % triangle(map.positions) === 0;
    if (fits && mean?.dtype === "F32" && mean.data.length === map.positions ** 2) {
      return { ...map, probabilities: mean.data, ...(heads?.dtype === "U8" && { heads: heads.data }) };
    }
    throw new HymbaError(`${name}: the map of layer ${map.layer} is missing or has another size`, {
      expected: `F32 [${map.positions}, ${map.positions}], and heads of ${triangle(map.positions)} bytes`,
    });
  });
}
