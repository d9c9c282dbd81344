/** One trained model of a run: its weights on an executor, its tokenizer, evaluation and sampling. */
import { join } from "../system/path.ts";
import { type Arm, layersOf, mainArm, microBatch } from "../config/mod.ts";
import {
  armFolder,
  type AttentionMap,
  MODEL_FILES,
  type ModelRecord,
  type Quality,
  readModelRecord,
  readRecord,
  readTokenizer,
  requireOwnTokenizer,
  type RunRecord,
  type StageName,
  STAGES,
  tokenizerPath,
  weightsFile,
} from "../record/mod.ts";
import { onePiece, type Part } from "../data/parts.ts";
import type { Disk } from "../disk/mod.ts";
import { HymbaError, quoted, UsageError } from "../errors.ts";
import { shown } from "../given.ts";
import { type MetaPrefix, metaPrefix } from "../infer/meta_prefix.ts";
import { DecodeSession } from "../infer/session.ts";
import { Writing } from "../infer/writing.ts";
import { evaluationPlan, Scorer } from "../infer/scorer.ts";
import { at, present } from "../lists.ts";
import { fittingWeights } from "../params/fitting.ts";
import { meantHint } from "../nearest.ts";
import { requireOwnWeights } from "../params/own_weights.ts";
import { readSafetensors } from "../params/read_safetensors.ts";
import { ParameterStore } from "../params/store.ts";
import type { Executor } from "../plan/mod.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import { captureAttention } from "../eval/attention.ts";
import { qualityOfTokens } from "../eval/quality.ts";

/** Names a model of a run. The defaults are the main arm of the study or else the first arm, the first seed, and the last trained stage. */
export interface ModelChoice {
  readonly model?: string;
  readonly seed?: number;
  readonly stage?: string;
}

/** A trained model, and the paths of its files. */
export interface ModelFiles {
  readonly arm: Arm;
  readonly weights: string;
  /** Absent for an imported model without a tokenizer that this program can read. */
  readonly tokenizer?: { readonly path: string; readonly sha256: string };
  /** Length of the training sequences (tokens). */
  readonly sequenceLength: number;
  /** Sequences per batch in an evaluation. */
  readonly evaluatedAtOnce: number;
  /** See `RunRecord.tiles`. */
  readonly tiles?: RunRecord["tiles"];
  /** A description for messages. */
  readonly source: string;
}

/** A model that a run has. */
export interface ChosenModel extends ModelFiles {
  readonly record: RunRecord;
  readonly seed: number;
  readonly stage: StageName;
}

function chosenArm({ study }: RunRecord, model: string | undefined): Arm {
  const names = study.arms.map(({ name }) => name), wanted = model ?? mainArm(study) ?? names[0];
  const arm = study.arms.find(({ name }) => name === wanted);
  if (arm) return arm;
  const hint = meantHint(wanted ?? "", names);
  throw new UsageError(`the run has no model ${quoted(wanted ?? "")}`, { expected: names.join(", "), hint });
}

/** The model of an arm, seed and stage of a run. Does not check that its weights exist. */
export function modelOfRun(
  folder: string,
  { record, arm, seed, stage }: Pick<ChosenModel, "record" | "arm" | "seed" | "stage">,
): ChosenModel {
  const { study, tiles } = record, { sequenceLength, pretraining } = study;
  return {
    record,
    arm,
    seed,
    stage,
    tiles,
    sequenceLength,
    evaluatedAtOnce: microBatch(pretraining),
    weights: join(armFolder(folder, arm.name, seed), weightsFile(stage)),
    tokenizer: { path: tokenizerPath(folder, study), sha256: record.tokenizer.sha256 },
    source: `${study.preset} on ${record.corpus.name}: ${arm.name}, seed ${seed}, after ${stage}`,
  };
}

/** The model of a folder that `hymba import` made. Throws UsageError for a choice that is possible only in runs. */
function importedModel(folder: string, record: ModelRecord, { model, seed, stage }: ModelChoice): ModelFiles {
  const { name, config, sequenceLength, tokenizer, source } = record;
  if (model !== undefined && model !== name) {
    throw new UsageError(`${folder} has no model ${quoted(model)}`, { expected: name });
  }
  if (seed !== undefined || stage !== undefined) {
    throw new UsageError(`${folder} has one model, without seed and stage`, {
      hint: "omit the options for seed and stage",
    });
  }
  const path = (file: string) => join(folder, file);
  return {
    arm: { name, config },
    weights: path(MODEL_FILES.weights),
    sequenceLength,
    source,
    evaluatedAtOnce: 8,
    tokenizer: tokenizer && { path: path(tokenizer.file), sha256: tokenizer.sha256 },
  };
}

/** Finds a model of a run, as {@link chooseModel} does, or the model of a folder that `hymba import` made. */
export async function findModel(
  disk: Disk,
  folder: string,
  choice: ModelChoice = {},
): Promise<ModelFiles | ChosenModel> {
  const imported = await readModelRecord(disk, folder);
  return imported ? importedModel(folder, imported, choice) : await chooseModel(disk, folder, choice);
}

/** Reads a model's weights by name and its tokenizer into host memory. Throws a HymbaError if they do not belong together. */
export async function readModel(disk: Disk, files: ModelFiles | ChosenModel) {
  const tokenizer = files.tokenizer && await readTokenizer(disk, files.tokenizer.path);
  if (files.tokenizer && tokenizer) {
    requireOwnTokenizer(files.tokenizer.path, { hash: tokenizer.hash, recorded: files.tokenizer.sha256 });
  }
  const { tensors, metadata } = await readSafetensors(disk, files.weights);
  const made = "stage" in files ? { arm: files.arm.name, stage: files.stage } : {};
  requireOwnWeights(files.weights, { metadata, wanted: { ...made, tokenizer: tokenizer?.hash } });
  return { tokenizer, weights: fittingWeights(files.arm.config, { tensors, name: files.weights }) };
}

/** Like {@link readModel}, with the weights on an executor. */
export async function openModel(executor: Executor, { disk, files }: { disk: Disk; files: ModelFiles | ChosenModel }) {
  const { tokenizer, weights } = await readModel(disk, files);
  executor.useTiles?.(files.tiles ?? {});
  const store = new ParameterStore(files.arm.config);
  store.write(executor, weights);
  return { tokenizer, store };
}

/** Finds the weights of one model. Throws a UsageError that lists the existing models if the run does not have it. */
export async function chooseModel(disk: Disk, folder: string, choice: ModelChoice = {}): Promise<ChosenModel> {
  const record = await readRecord(disk, folder), arm = chosenArm(record, choice.model);
  const seed = choice.seed ?? at(record.study.seeds, 0);
  if (!record.study.seeds.includes(seed)) {
    throw new UsageError(`the run has no seed ${shown(seed)}`, { expected: record.study.seeds.join(", ") });
  }
  const trained: StageName[] = [];
  for (const stage of STAGES) {
    if (await disk.stat(modelOfRun(folder, { record, arm, seed, stage }).weights)) trained.push(stage);
  }
  const stage = choice.stage ?? trained.findLast((name) => name !== "control");
  const found = trained.find((name) => name === stage);
  if (!found) {
    throw new UsageError(
      `${arm.name}, seed ${seed}, has no weights ${choice.stage ? `of stage ${quoted(choice.stage)}` : "yet"}`,
      {
        expected: trained.join(", ") || "a finished stage",
        hint: "repeat the command that started the run; it continues where it stopped",
      },
    );
  }
  return modelOfRun(folder, { record, arm, seed, stage: found });
}

/** The result of an evaluation. */
export interface TextQuality extends Quality {
  /** Predicted tokens: all except the first. */
  readonly tokens: number;
  /** Bytes of their text in UTF-8. */
  readonly bytes: number;
}

/** The error for a test part that a run does not have. */
export const noTestPart = () =>
  new UsageError("the run has no test part", { hint: "a study has one with data.testFraction" });

/** A loaded model. Call `release` when done; the executor stays open. */
export class TrainedModel<Files extends ModelFiles = ChosenModel> {
  private constructor(
    readonly chosen: Files,
    readonly tokenizer: Tokenizer,
    readonly executor: Executor,
    readonly store: ParameterStore,
  ) {}

  #prefix: MetaPrefix | undefined;

  /** Loads tokenizer and weights. Throws a HymbaError when the weights belong to another tokenizer or do not fit. */
  static async open<Files extends ModelFiles>(
    executor: Executor,
    { disk, chosen }: { disk: Disk; chosen: Files },
  ): Promise<TrainedModel<Files>> {
    if (!chosen.tokenizer) {
      throw new HymbaError(`${chosen.arm.name} has no tokenizer`, {
        expected: "a tokenizer, to turn text into tokens and back",
        hint: "Hymba.load of the library takes token ids",
      });
    }
    const { tokenizer, store } = await openModel(executor, { disk, files: chosen });
    return new TrainedModel(chosen, present(tokenizer, "the tokenizer"), executor, store);
  }

  /** Loss, perplexity and bits per byte of a text, in windows of the training length. */
  async evaluate(text: string): Promise<TextQuality> {
    const tokens = this.tokenizer.encode(text), [first] = tokens;
    if (first === undefined || tokens.length < 2) {
      throw new UsageError("the text is too short to be evaluated", {
        expected: "two tokens or more",
        got: `${tokens.length}`,
      });
    }
    const bytes = new TextEncoder().encode(text).length - this.tokenizer.bytesOf(first);
    return await this.evaluatePart(onePiece(tokens, bytes));
  }

  /** The same for tokens of this tokenizer, such as a part of the run's corpus. */
  async evaluatePart(part: Part): Promise<TextQuality> {
    const logps = await this.logpsOf(part), { bytes } = part;
    return { ...qualityOfTokens(logps, part), tokens: logps.length, bytes };
  }

  /** The log-probability of every token except the first of each piece. */
  async logpsOf(part: Part, { signal }: { signal?: AbortSignal } = {}): Promise<Float32Array> {
    const { evaluatedAtOnce: B, sequenceLength: T } = this.chosen;
    const scorer = await Scorer.create(this.executor, evaluationPlan(this.store, { B, T }), { signal });
    try {
      return await scorer.tokenLogps(part);
    } finally {
      scorer.dispose();
    }
  }

  /**
   * Attention of some layers on a text, see {@link captureAttention}. Throws UsageError for a text of no token or more than
   * `most` tokens, and for a model without attention.
   */
  async attention(text: string, { most }: { most: number }): Promise<AttentionMap[]> {
    const ids = Uint32Array.from(this.#tokensOf(text)), { name, config } = this.chosen.arm;
    if (ids.length > most) {
      throw new UsageError("the prompt is too long", { expected: `at most ${most} tokens`, got: String(ids.length) });
    }
    if (!layersOf(config).some(({ attention }) => attention)) {
      throw new UsageError(`${name} has no attention`, { hint: "choose another model with --model" });
    }
    const labels = Array.from(ids, (id) => this.tokenizer.nameOf(id));
    return await captureAttention(this.executor, this.store, { ids, labels });
  }

  /** Starts a generated text with room for `room` tokens. Throws UsageError if the prompt has no token. */
  async begin(prompt: string, { room, signal }: { room: number; signal?: AbortSignal }): Promise<Writing> {
    const ids = this.#tokensOf(prompt);
    this.#prefix ??= await metaPrefix(this.executor, this.store);
    const session = await DecodeSession.create(this.executor, this.store, {
      B: 1,
      length: ids.length + room,
      prefix: this.#prefix,
    });
    try {
      await session.append([ids], { signal });
      return new Writing(this.tokenizer, session);
    } catch (cause) {
      session.dispose();
      throw cause;
    }
  }

  #tokensOf(text: string): Uint32Array {
    const ids = this.tokenizer.encode(text);
    if (ids.length === 0) throw new UsageError("the prompt is empty", { expected: "at least one token of text" });
    return ids;
  }

  release(): void {
    this.store.release(this.executor);
  }
}
