/**
 * hymba as a library: one model, used alone.
 *
 * @example
 * ```ts
 * import { ArchType, Hymba, HymbaConfig } from "./mod.ts";
 *
 * const config = new HymbaConfig({ vocabSize: 400, dModel: 32, nLayers: 3, nHeads: 4, nKvHeads: 2, archType: ArchType.HYBRID });
 * const model = await Hymba.create(config);
 * const ids = [[1, 2, 3, 4]], targets = [[2, 3, 4, 5]];
 * const { loss } = await model.forward(ids, { targets });
 * const generated = await model.generate(ids, { maxNewTokens: 8, temperature: 0.8, topK: 40 });
 * for await (const next of model.generate([[1, 2], [3]], { maxNewTokens: 3, topP: 0.9 })) generated.push([...next]);
 * await model.close();
 * console.log(loss, generated);
 * ```
 *
 * @module
 */
import { type BackendOptions, openBackend } from "./core/backend/mod.ts";
import type { HymbaConfig } from "./core/config/mod.ts";
import { UsageError } from "./core/errors.ts";
import { mean } from "./core/lists.ts";
import { drawn, settingsOf } from "./core/infer/generate.ts";
import { type MetaPrefix, metaPrefix } from "./core/infer/meta_prefix.ts";
import { DecodeSession } from "./core/infer/session.ts";
import { evaluationPlan, Scorer } from "./core/infer/scorer.ts";
import { logitsOf } from "./core/nn/model.ts";
import { parameterCount } from "./core/params/specs.ts";
import { decodeSafetensors } from "./core/params/safetensors.ts";
import { ParameterStore } from "./core/params/store.ts";
import { type Executor, finish } from "./core/plan/mod.ts";
import { Tape } from "./core/tensor/mod.ts";
import type { Tokenizer } from "./core/tokenizer/mod.ts";
import { putArena } from "./core/train/snapshot.ts";

export type { BackendOptions } from "./core/backend/mod.ts";
export { ArchType, type Fusion, FUSIONS, HymbaConfig, type HymbaOptions } from "./core/config/mod.ts";
export { type ErrorDetails, HymbaError, UsageError } from "./core/errors.ts";
export type { Counter } from "./core/random.ts";
export {
  type DecodeStream,
  type Normalization,
  NORMALIZATIONS,
  type Piece,
  type Segmentation,
  Tokenizer,
  type TokenStream,
  type TrainOptions,
  type TrainProgress,
  trainTokenizer,
} from "./core/tokenizer/mod.ts";

/** Token ids, [B][T]: B sequences, of one length for `forward`, of any lengths of at least 1 for `generate`. */
export type TokenIds = readonly (readonly number[] | Uint32Array)[];

/** Where and from what a model starts. */
export interface HymbaCreateOptions extends BackendOptions {
  /** Seed of the start values. Default 1. */
  seed?: number;
}

/** How to sample. */
export interface GenerateOptions {
  /** Tokens to add to each sequence. Default 100. */
  maxNewTokens?: number;
  /** Logits are divided by it; 0 takes the likeliest token. Default 1. */
  temperature?: number;
  /** Draw from the k likeliest tokens only; 0 means all. Default 0. */
  topK?: number;
  /** Draw from the fewest likeliest tokens that together have this probability, above 0; 1 means all. Default 1. */
  topP?: number;
  /** Draw from tokens of at least this share of the highest probability; 0 means all. Default 0. */
  minP?: number;
  /** More than 1 makes tokens less likely that the text has already. Default 1, which does nothing. */
  repetitionPenalty?: number;
  /** Seed of the draws. Default 1. A sequence gets the same tokens in every batch. */
  seed?: number;
  /** Stops the generation between two tokens. */
  signal?: AbortSignal;
}

/** Which trained model of a run to load, and where. */
export interface HymbaLoadOptions extends BackendOptions {
  /** Name of the model; the study's main model by default, or its first. */
  model?: string;
  /** Seed of its training; the run's first by default. */
  trainingSeed?: number;
  /** `pretraining`, `orpo` or `control`; the last one that was trained by default. */
  stage?: string;
}

/** A text that is being generated: await it for all new tokens, [B][maxNewTokens], or loop over it for the next of each sequence, [B]. */
export class Generation implements Promise<number[][]>, AsyncIterable<number[]> {
  /** What objects of this class are called. */
  readonly [Symbol.toStringTag] = "Generation";
  readonly #start: () => AsyncGenerator<number[], void, void>;
  #all: Promise<number[][]> | undefined;

  /** Made by {@link Hymba.generate}. @internal */
  constructor(start: () => AsyncGenerator<number[], void, void>) {
    this.#start = start;
  }

  /** Generates as the loop goes on; leaving the loop ends it. Each loop begins anew and makes the same tokens. */
  [Symbol.asyncIterator](): AsyncGenerator<number[], void, void> {
    return this.#start();
  }

  /** All new tokens. */
  then<A = number[][], B = never>(
    fulfilled?: ((tokens: number[][]) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#all ??= Array.fromAsync(this.#start()).then((turns) =>
      (turns[0] ?? []).map((_, b) => turns.map((turn) => turn[b] ?? 0))
    );
    return this.#all.then(fulfilled, rejected);
  }

  /** As of a promise. */
  catch<B = never>(rejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<number[][] | B> {
    return this.then(undefined, rejected);
  }

  /** As of a promise. */
  finally(settled?: (() => void) | null): Promise<number[][]> {
    return this.then().finally(settled);
  }
}

/** One model with its weights on an executor. Close it when done, or declare it with `await using`. */
export class Hymba implements AsyncDisposable {
  /** Of a model that was loaded: the tokenizer that it was trained with, where this program reads it. */
  readonly tokenizer: Tokenizer | undefined;
  #prefix: Promise<MetaPrefix> | undefined;

  private constructor(
    /** The checked configuration. */
    readonly config: HymbaConfig,
    private readonly executor: Executor,
    private readonly store: ParameterStore,
    tokenizer?: Tokenizer,
  ) {
    this.tokenizer = tokenizer;
  }

  /** Opens a backend (a GPU when there is one, else the processor) and draws start values. */
  static async create(config: HymbaConfig, { seed = 1, ...backend }: HymbaCreateOptions = {}): Promise<Hymba> {
    const { executor } = await openBackend(backend);
    const store = new ParameterStore(config);
    store.initialise(executor, seed);
    return new Hymba(config, executor, store);
  }

  /**
   * Loads a trained model of a run folder, or of a folder that `hymba import` made, with its tokenizer. Throws UsageError when the run does
   * not have the model, HymbaError when a file is damaged.
   *
   * @example
   * ```ts ignore
   * await using model = await Hymba.load("results/runs/quick-tinyshakespeare", { model: "hymba" });
   * const prompt = model.tokenizer?.encode("ROMEO:") ?? [];
   * for await (const [id] of model.generate([prompt], { temperature: 0.8 })) console.log(id);
   * ```
   */
  static async load(run: string, { model, trainingSeed, stage, ...backend }: HymbaLoadOptions = {}): Promise<Hymba> {
    const { systemDisk } = await import("./core/disk/mod.ts");
    const { findModel, openModel } = await import("./core/study/one_model.ts");
    const files = await findModel(systemDisk, run, { model, seed: trainingSeed, stage });
    const { executor } = await openBackend(backend);
    try {
      const { tokenizer, store } = await openModel(executor, { disk: systemDisk, files });
      return new Hymba(files.arm.config, executor, store, tokenizer);
    } catch (cause) {
      await executor.close();
      throw cause;
    }
  }

  /** Numbers that training adjusts. */
  get parameters(): number {
    return parameterCount(this.config);
  }

  /** Loads weights that a run saved (`pretraining.safetensors`). Throws a HymbaError that names the tensor that does not fit. */
  loadWeights(bytes: Uint8Array<ArrayBuffer>, { name = "weights" } = {}): void {
    this.#prefix = undefined;
    const { tensors } = decodeSafetensors(bytes, { name });
    putArena(this.executor, this.store, { tensors, arena: "parameters", name });
  }

  /**
   * One forward pass. With `targets` [B][T], the tokens that follow: the mean loss in nats per token and the log-probability
   * of each target [B · T]. Without: the logits [B · T · V]. Throws UsageError when shapes or ids do not fit.
   */
  forward(ids: TokenIds, options: { targets: TokenIds }): Promise<{ loss: number; logp: Float32Array }>;
  /** Without targets: the logits. */
  forward(ids: TokenIds, options?: { targets?: undefined }): Promise<{ logits: Float32Array }>;
  async forward(ids: TokenIds, { targets }: { targets?: TokenIds } = {}) {
    const { flat, B, T } = this.#flat(ids);
    if (!targets) return { logits: await this.#logits(flat, { B, T }) };
    const wanted = this.#flat(targets);
    if (wanted.B !== B || wanted.T !== T) {
      throw new UsageError("forward: targets do not fit the ids", {
        expected: `[${B}][${T}]`,
        got: `[${wanted.B}][${wanted.T}]`,
      });
    }
    const scorer = await Scorer.create(this.executor, evaluationPlan(this.store, { B, T }));
    const logp = await scorer.logp({ ids: flat, targets: wanted.flat }).finally(() => scorer.dispose());
    return { loss: -mean(logp), logp };
  }

  /**
   * Continues each sequence. Await the result for the new tokens, [B][maxNewTokens], or loop over it with `for await` for the next token
   * of each, [B], as they are made. Throws UsageError for ids or options out of range.
   */
  generate(ids: TokenIds, options: GenerateOptions = {}): Generation {
    return new Generation(() => this.#generated(ids, options));
  }

  async *#generated(
    ids: TokenIds,
    { maxNewTokens: newTokens = 100, temperature = 1, seed = 1, ...more }: GenerateOptions,
  ): AsyncGenerator<number[], void, void> {
    const sampling = { newTokens, temperature, seed, ...more };
    settingsOf(sampling);
    this.#requireKnown(ids);
    const prefix = await (this.#prefix ??= metaPrefix(this.executor, this.store));
    const length = newTokens + ids.reduce((most, { length }) => Math.max(most, length), 0);
    const session = await DecodeSession.create(this.executor, this.store, { B: ids.length, length, prefix });
    try {
      await session.append(ids.map((row) => Uint32Array.from(row)), { signal: more.signal });
      for await (const rows of drawn(session, sampling)) for (const row of rows) yield [...row];
    } finally {
      session.dispose();
    }
  }

  /** Frees the weights and the backend. */
  async close(): Promise<void> {
    this.store.release(this.executor);
    await this.executor.close();
  }

  /** The same as {@link Hymba.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #logits(flat: Uint32Array<ArrayBuffer>, { B, T }: { B: number; T: number }): Promise<Float32Array> {
    const tape = new Tape(false), input = tape.input("ids", [B, T], { dtype: "u32" });
    const logits = logitsOf(tape, input, this.store);
    const program = await this.executor.prepare(finish(tape, { name: "forward", outputs: [logits] }));
    program.write(input, flat);
    await program.run();
    const values = await program.read(logits) as Float32Array;
    program.dispose();
    return values;
  }

  #flat(ids: TokenIds): { flat: Uint32Array<ArrayBuffer>; B: number; T: number } {
    const B = ids.length, T = ids[0]?.length ?? 0;
    this.#requireKnown(ids);
    if (ids.some((row) => row.length !== T)) {
      throw new UsageError("forward: the sequences have different lengths", {
        expected: `${T} ids in each`,
        got: ids.map(({ length }) => length).join(", "),
      });
    }
    return { flat: Uint32Array.from(ids.flatMap((row) => [...row])), B, T };
  }

  /** Throws UsageError unless there are sequences of at least one id, all of them below V. */
  #requireKnown(ids: TokenIds): void {
    const V = this.config.vocabSize, known = (id: number) => Number.isInteger(id) && id >= 0 && id < V;
    if (ids.length > 0 && ids.every((row) => row.length > 0 && [...row].every(known))) return;
    throw new UsageError("the token ids do not fit the model", {
      expected: `one sequence or more, each of at least one id, ids from 0 to ${V - 1}`,
      got: JSON.stringify(ids.map((row) => [...row])).slice(0, 200),
    });
  }
}
