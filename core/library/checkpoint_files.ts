/** Checkpoints of the library on a disk: weights, moments, configuration and tokenizer. */
import { HymbaConfig, type HymbaOptions } from "../config/mod.ts";
import type { Disk } from "../disk/mod.ts";
import { HymbaError, UsageError } from "../errors.ts";
import { accepts, list, nullOr, number, object } from "../file_schema.ts";
import {
  type Json,
  loadBest,
  type LoadedCheckpoint,
  loadLatest,
  loadOne,
  saveCheckpoint,
} from "../params/checkpoint.ts";
import type { StoredTensor } from "../params/safetensors.ts";
import { readRecord, type RunRecord } from "../record/mod.ts";
import { join } from "../system/path.ts";
import { Tokenizer } from "../tokenizer/mod.ts";
import type { Tensors } from "../train/snapshot.ts";
import type { TrainerState } from "../train/trainer.ts";

/** The stage that the library writes: it has one. */
const STAGE = "training";

/** Which checkpoint of a folder. */
export type WhichCheckpoint = "latest" | "best";

/** A checkpoint as the library understands it. */
export interface ReadCheckpoint {
  readonly path: string;
  readonly config: HymbaConfig;
  readonly tokenizer: Tokenizer | undefined;
  readonly score: number | undefined;
  readonly state: TrainerState;
}

/** The content of a written checkpoint. */
export interface WrittenCheckpoint extends Pick<ReadCheckpoint, "config" | "tokenizer" | "score"> {
  readonly state: TrainerState;
}

/** The tokenizer as tensors of bytes: the only files of a checkpoint besides its state are safetensors. */
function tokenizerGroup(tokenizer: Tokenizer | undefined): Record<string, Record<string, StoredTensor>> {
  if (!tokenizer) return {};
  const kind = tokenizer.hasModel ? "model" : "json";
  const data = tokenizer.hasModel ? tokenizer.toModelBytes() : new TextEncoder().encode(tokenizer.toJson());
  return { tokenizer: { [kind]: { dtype: "U8", shape: [data.length], data: new Uint8Array(data) } } };
}

async function tokenizerOf(group: Tensors | undefined, name: string): Promise<Tokenizer | undefined> {
  const { model, json } = group ?? {};
  if (model?.dtype === "U8") return Tokenizer.fromModelBytes(model.data, { name });
  return json?.dtype === "U8" ? await Tokenizer.openJson(new TextDecoder().decode(json.data), { name }) : undefined;
}

/** Saves below a folder, so that it survives a power loss. Older ones are removed, but for the newest two and the best. */
export async function writeCheckpoint(
  disk: Disk,
  folder: string,
  { config, tokenizer, score, state: { step, groups, lossScale } }: WrittenCheckpoint,
): Promise<string> {
  const given = Object.entries(config).filter(([, value]) => value !== undefined);
  const state: Json = { config: Object.fromEntries(given), lossScale: lossScale ?? null };
  const all = { ...groups, ...tokenizerGroup(tokenizer) };
  return await saveCheckpoint(disk, folder, { stage: STAGE, step, score, groups: all, state });
}

const stateSchema = object({ config: object({}), lossScale: nullOr(list(number(), { max: 16 })) });

/** The configuration in the state of a checkpoint of the library; undefined for one of a study. */
function ownConfig(
  { state, path }: LoadedCheckpoint,
): { config: HymbaConfig; lossScale?: readonly number[] } | undefined {
  if (typeof state !== "object" || state === null || !("config" in state)) return undefined;
  if (!accepts(stateSchema, state)) {
    throw new HymbaError(`${path} is damaged`, { expected: "a state with a configuration" });
  }
  try {
    const config = new HymbaConfig(state.config as Partial<HymbaOptions>);
    return { config, lossScale: state.lossScale ?? undefined };
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause;
    throw new HymbaError(`${path} is damaged: ${cause.message}`, { cause });
  }
}

/** The configuration of a checkpoint of a study: `RUN/arms/NAME-SEED/checkpoints/checkpoint-N`. */
async function configOfRun(disk: Disk, { path }: LoadedCheckpoint): Promise<HymbaConfig> {
  const run = join(path, "..", "..", "..", ".."), record: RunRecord | undefined = await readRecord(disk, run);
  const name = /([^/\\]+)-\d+[/\\][^/\\]+[/\\][^/\\]+$/.exec(path)?.[1];
  const arm = record.study.arms.find((arm) => arm.name === name);
  if (arm) return arm.config;
  throw new HymbaError(`${path}: no configuration belongs to this checkpoint`, {
    expected: "a checkpoint of saveCheckpoint, or one inside the folder of a run",
  });
}

async function found(disk: Disk, path: string, which: WhichCheckpoint): Promise<LoadedCheckpoint | undefined> {
  const one = await loadOne(disk, path);
  return one ?? await (which === "best" ? loadBest : loadLatest)(disk, path);
}

/**
 * The checkpoint at a path: its own folder, or a folder of several. Undefined when there is none. Throws a HymbaError when it is
 * damaged, or when nothing says which model it is of.
 */
export async function readCheckpoint(
  disk: Disk,
  path: string,
  which: WhichCheckpoint,
): Promise<ReadCheckpoint | undefined> {
  const checkpoint = await found(disk, path, which);
  if (!checkpoint) return undefined;
  const { tokenizer, ...groups } = checkpoint.groups, own = ownConfig(checkpoint);
  return {
    path: checkpoint.path,
    config: own?.config ?? await configOfRun(disk, checkpoint),
    tokenizer: await tokenizerOf(tokenizer, `${checkpoint.path}: tokenizer`),
    score: checkpoint.score,
    state: { step: checkpoint.step, groups, lossScale: own?.lossScale },
  };
}
