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
import { generate } from "./core/infer/generate.ts";
import { evaluationPlan, Scorer } from "./core/infer/scorer.ts";
import { logitsOf } from "./core/nn/model.ts";
import { parameterCount } from "./core/params/specs.ts";
import { decodeSafetensors } from "./core/params/safetensors.ts";
import { ParameterStore } from "./core/params/store.ts";
import { type Executor, finish } from "./core/plan/mod.ts";
import { Tape } from "./core/tensor/mod.ts";
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

/** Token ids, [B][T]: B sequences of equal length. */
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
  /** Seed of the draws. Default 1. */
  seed?: number;
}

/** One model with its weights on an executor. Close it when done. */
export class Hymba {
  private constructor(
    /** The checked configuration. */
    readonly config: HymbaConfig,
    private readonly executor: Executor,
    private readonly store: ParameterStore,
  ) {}

  /** Opens a backend (a GPU when there is one, else the processor) and draws start values. */
  static async create(config: HymbaConfig, { seed = 1, ...backend }: HymbaCreateOptions = {}): Promise<Hymba> {
    const { executor } = await openBackend(backend);
    const store = new ParameterStore(config);
    store.initialise(executor, seed);
    return new Hymba(config, executor, store);
  }

  /** Numbers that training adjusts. */
  get parameters(): number {
    return parameterCount(this.config);
  }

  /** Loads weights that a run saved (`pretraining.safetensors`). Throws a HymbaError that names the tensor that does not fit. */
  load(bytes: Uint8Array<ArrayBuffer>, { name = "weights" } = {}): void {
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

  /** Continues each sequence; returns the new tokens, [B][maxNewTokens]. */
  async generate(
    ids: TokenIds,
    { maxNewTokens = 100, temperature = 1, topK = 0, seed = 1 }: GenerateOptions = {},
  ): Promise<number[][]> {
    const { flat, B, T } = this.#flat(ids);
    const prompts = Array.from({ length: B }, (_, b) => flat.subarray(b * T, (b + 1) * T));
    const { tokens } = await generate(this.executor, this.store, {
      prompts,
      newTokens: maxNewTokens,
      temperature,
      topK,
      seed,
    });
    return tokens.map((sequence) => [...sequence]);
  }

  /** Frees the weights and the backend. */
  async close(): Promise<void> {
    this.store.release(this.executor);
    await this.executor.close();
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
    const B = ids.length, T = ids[0]?.length ?? 0, V = this.config.vocabSize;
    const even = T > 0 && ids.every((row) => row.length === T);
    const known = ids.every((row) => [...row].every((id) => Number.isInteger(id) && id >= 0 && id < V));
    if (!even || !known) {
      throw new UsageError("forward: the token ids do not fit", {
        expected: `sequences of one length of at least 1, ids from 0 to ${V - 1}`,
      });
    }
    return { flat: Uint32Array.from(ids.flatMap((row) => [...row])), B, T };
  }
}
