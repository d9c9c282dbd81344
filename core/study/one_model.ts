/** One trained model of a run: its weights on an executor, its tokenizer, evaluation and sampling. */
import { join } from "../system/path.ts";
import { type Arm, mainArm, microBatch } from "../config/mod.ts";
import {
  armFolder,
  type Quality,
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
import { type MetaPrefix, metaPrefix } from "../infer/meta_prefix.ts";
import { DecodeSession } from "../infer/session.ts";
import { Writing } from "../infer/writing.ts";
import { evaluationPlan, Scorer } from "../infer/scorer.ts";
import { at } from "../lists.ts";
import { decodeSafetensors } from "../params/safetensors.ts";
import { ParameterStore } from "../params/store.ts";
import type { Executor } from "../plan/mod.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import { putArena } from "../train/snapshot.ts";
import { qualityOfTokens } from "../eval/quality.ts";

/** Names a model of a run. The defaults are the main arm of the study or else the first arm, the first seed, and the last trained stage. */
export interface ModelChoice {
  readonly model?: string;
  readonly seed?: number;
  readonly stage?: string;
}

/** A model that the run has, and the path of its weights. */
export interface ChosenModel {
  readonly record: RunRecord;
  readonly arm: Arm;
  readonly seed: number;
  readonly stage: StageName;
  readonly weights: string;
}

function chosenArm({ study }: RunRecord, model: string | undefined): Arm {
  const names = study.arms.map(({ name }) => name), wanted = model ?? mainArm(study) ?? names[0];
  const arm = study.arms.find(({ name }) => name === wanted);
  if (arm) return arm;
  throw new UsageError(`the run has no model ${quoted(wanted ?? "")}`, { expected: names.join(", ") });
}

/** Finds the weights of one model. Throws UsageError, with what there is, when the run does not have it. */
export async function chooseModel(disk: Disk, folder: string, choice: ModelChoice = {}): Promise<ChosenModel> {
  const record = await readRecord(disk, folder), arm = chosenArm(record, choice.model);
  const seed = choice.seed ?? at(record.study.seeds, 0);
  if (!record.study.seeds.includes(seed)) {
    throw new UsageError(`the run has no seed ${seed}`, { expected: record.study.seeds.join(", ") });
  }
  const trained: StageName[] = [];
  const pathOf = (stage: StageName) => join(armFolder(folder, arm.name, seed), weightsFile(stage));
  for (const stage of STAGES) if (await disk.stat(pathOf(stage))) trained.push(stage);
  const stage = choice.stage ?? trained.findLast((name) => name !== "control");
  const found = trained.find((name) => name === stage);
  if (!found) {
    throw new UsageError(
      `${arm.name}, seed ${seed}, has no weights ${choice.stage ? `of stage ${quoted(choice.stage)}` : "yet"}`,
      {
        expected: trained.join(", ") || "a stage that has been trained to its end",
        hint: "give the command that began the run once more; it continues where it was stopped",
      },
    );
  }
  return { record, arm, seed, stage: found, weights: pathOf(found) };
}

/** What an evaluation measured. */
export interface TextQuality extends Quality {
  /** Tokens that were predicted: all but the first. */
  readonly tokens: number;
  /** Bytes of UTF-8 that they stand for. */
  readonly bytes: number;
}

/** The error for a reading of a test part that a run has not. */
export const noTestPart = () =>
  new UsageError("the run has no test part", { hint: "a study has one with data.testFraction" });

/** A model that is ready. Call `release` when done; the executor stays open. */
export class TrainedModel {
  private constructor(
    readonly chosen: ChosenModel,
    readonly tokenizer: Tokenizer,
    readonly executor: Executor,
    readonly store: ParameterStore,
  ) {}

  #prefix: MetaPrefix | undefined;

  /** Loads tokenizer and weights. Throws a HymbaError when the weights belong to another tokenizer or do not fit. */
  static async open(executor: Executor, { disk, folder, chosen }: { disk: Disk; folder: string; chosen: ChosenModel }) {
    const path = tokenizerPath(folder, chosen.record.study), tokenizer = await readTokenizer(disk, path);
    requireOwnTokenizer(path, { hash: tokenizer.hash, recorded: chosen.record.tokenizer.sha256 });
    const { tensors, metadata } = decodeSafetensors(await disk.read(chosen.weights), { name: chosen.weights });
    if (metadata.tokenizer !== tokenizer.hash) {
      throw new HymbaError(`${chosen.weights} was trained with another tokenizer`, {
        expected: tokenizer.hash,
        got: metadata.tokenizer ?? "none named",
      });
    }
    executor.useTiles?.(chosen.record.tiles ?? {});
    const store = new ParameterStore(chosen.arm.config);
    putArena(executor, store, { tensors, arena: "parameters", name: chosen.weights });
    return new TrainedModel(chosen, tokenizer, executor, store);
  }

  /** Loss, perplexity and bits per byte on a text, in windows of the length that was trained. */
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

  /** The same on tokens of this tokenizer, such as a part of the run's corpus. */
  async evaluatePart(part: Part): Promise<TextQuality> {
    const logps = await this.logpsOf(part), { bytes } = part;
    return { ...qualityOfTokens(logps, part), tokens: logps.length, bytes };
  }

  /** The log-probability of every token but the first of each piece. */
  async logpsOf(part: Part, { signal }: { signal?: AbortSignal } = {}): Promise<Float32Array> {
    const { pretraining, sequenceLength: T } = this.chosen.record.study, B = microBatch(pretraining);
    const scorer = await Scorer.create(this.executor, evaluationPlan(this.store, { B, T }), { signal });
    try {
      return await scorer.tokenLogps(part);
    } finally {
      scorer.dispose();
    }
  }

  /** Begins a text with room for `room` tokens. Throws UsageError when there is not one token of text. */
  async begin(prompt: string, { room, signal }: { room: number; signal?: AbortSignal }): Promise<Writing> {
    const ids = this.#tokensOf(prompt);
    this.#prefix ??= await metaPrefix(this.executor, this.store);
    const session = await DecodeSession.create(this.executor, this.store, {
      ...{ B: 1, length: ids.length + room, prefix: this.#prefix },
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
