/** The engine of a model of the library. This file loads the engine, so it is loaded only when a model is made. */
import { type BackendOptions, openBackend } from "../backend/mod.ts";
import type { HymbaConfig } from "../config/mod.ts";
import { evaluationBatches } from "../data/batches.ts";
import { onePiece } from "../data/parts.ts";
import { throwIfStopped, UsageError } from "../errors.ts";
import { drawn, repeats, type SamplingOptions, settingsOf } from "../infer/generate.ts";
import { type MetaPrefix, metaPrefix } from "../infer/meta_prefix.ts";
import { DecodeSession } from "../infer/session.ts";
import { evaluationPlan, Scorer } from "../infer/scorer.ts";
import { Writing } from "../infer/writing.ts";
import { logitsOf } from "../nn/model.ts";
import { decodeSafetensors, encodeSafetensors } from "../params/safetensors.ts";
import { ParameterStore } from "../params/store.ts";
import { type Executor, finish } from "../plan/mod.ts";
import { Tape } from "../tensor/mod.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import { putArena, takeArena, type Tensors } from "../train/snapshot.ts";
import { newQueue, oneAtATime } from "./one_at_a_time.ts";
import type { Device } from "./options.ts";

/** Tokens of several sequences, row by row. */
export interface Rows {
  readonly flat: Uint32Array<ArrayBuffer>;
  readonly B: number;
  readonly T: number;
}

/** Opens the engine of a model. */
export async function openEngine(config: HymbaConfig, options: BackendOptions): Promise<Engine> {
  const { executor, backend, hardware, adapter } = await openBackend(options);
  const queued = backend === "cpu" ? oneAtATime(executor) : executor;
  return new Engine(config, queued, { backend, name: String(adapter.name), hardware });
}

export class Engine {
  readonly store: ParameterStore;
  #prefix: Promise<MetaPrefix> | undefined;
  /** The scorer of the last shape. Only one call uses it at a time. */
  #scorer: Scorer | undefined;
  readonly #scoring = newQueue();

  constructor(readonly config: HymbaConfig, readonly executor: Executor, readonly device: Device) {
    this.store = new ParameterStore(config);
  }

  /** Draws start values. */
  start(seed: number): void {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new UsageError("the seed is out of range", { expected: "a whole number from 0", got: String(seed) });
    }
    this.store.initialise(this.executor, seed);
  }

  /** Says that the weights have changed. */
  weightsChanged(): void {
    this.#prefix = undefined;
  }

  putWeights(tensors: Tensors, name: string): void {
    putArena(this.executor, this.store, { tensors, arena: "parameters", name });
    this.weightsChanged();
  }

  writeWeights(values: Readonly<Record<string, Float32Array<ArrayBuffer>>>): void {
    this.store.write(this.executor, values);
    this.weightsChanged();
  }

  readWeights(bytes: Uint8Array<ArrayBuffer>, name: string): void {
    this.putWeights(decodeSafetensors(bytes, { name }).tensors, name);
  }

  async weights(about: Readonly<Record<string, string>>): Promise<Uint8Array<ArrayBuffer>> {
    return encodeSafetensors(await takeArena(this.executor, this.store, "parameters"), about);
  }

  /** [B · T · V]. */
  async logits({ flat, B, T }: Rows): Promise<Float32Array> {
    const tape = new Tape(false), input = tape.input("ids", [B, T], { dtype: "u32" });
    const logits = logitsOf(tape, input, this.store);
    const program = await this.executor.prepare(finish(tape, { name: "forward", outputs: [logits] }));
    try {
      program.write(input, flat);
      await program.run();
      return await program.read(logits) as Float32Array;
    } finally {
      program.dispose();
    }
  }

  /** The log-probability of each target, [B · T]. */
  logp(ids: Rows, targets: Uint32Array<ArrayBuffer>): Promise<Float32Array> {
    return this.#scoring(async () => (await this.#scorerOf(ids)).logp({ ids: ids.flat, targets }));
  }

  /** The log-probability of every token but the first, in windows of T. */
  tokenLogps(
    tokens: Uint32Array,
    { B, T, signal }: { B: number; T: number; signal?: AbortSignal },
  ): Promise<Float32Array> {
    return this.#scoring(async () => {
      const scorer = await this.#scorerOf({ B, T }), all = new Float32Array(tokens.length - 1);
      let at = 0;
      for (const batch of evaluationBatches(onePiece(tokens), { B, T })) {
        throwIfStopped(signal, "evaluating", { saved: false });
        for (const [i, value] of (await scorer.logp(batch)).entries()) if (batch.weight[i] === 1) all[at++] = value;
      }
      return all;
    });
  }

  /** The next tokens of each sequence, [turns][B], as they are made. */
  async *draw(
    rows: readonly Uint32Array[],
    { repeat = 0, ...options }: SamplingOptions & { repeat?: number },
  ): AsyncGenerator<Uint32Array[], void, void> {
    settingsOf({ ...options, numbers: [repeat] });
    const sampling = { ...options, numbers: repeats(rows, repeat) }, session = await this.#begin(rows, sampling);
    try {
      yield* drawn(session, sampling);
    } finally {
      session.dispose();
    }
  }

  /** A text that continues another text, as it is generated. */
  async *write(
    tokenizer: Tokenizer,
    prompt: Uint32Array,
    { stops, repeat = 0, ...options }: SamplingOptions & { stops: readonly string[]; repeat?: number },
  ): AsyncGenerator<string, void, void> {
    const sampling = { ...options, numbers: [repeat] };
    const session = await this.#begin([prompt], sampling);
    try {
      yield* new Writing(tokenizer, session).write({ ...sampling, stops });
    } finally {
      session.dispose();
    }
  }

  async close(): Promise<void> {
    this.#scorer?.dispose();
    this.store.release(this.executor);
    await this.executor.close();
  }

  async #begin(rows: readonly Uint32Array[], sampling: SamplingOptions): Promise<DecodeSession> {
    settingsOf(sampling);
    const prefix = await (this.#prefix ??= metaPrefix(this.executor, this.store));
    const length = sampling.newTokens + rows.reduce((most, { length }) => Math.max(most, length), 0);
    const session = await DecodeSession.create(this.executor, this.store, { B: rows.length, length, prefix });
    try {
      await session.append(rows, { signal: sampling.signal });
      return session;
    } catch (cause) {
      session.dispose();
      throw cause;
    }
  }

  async #scorerOf({ B, T }: Pick<Rows, "B" | "T">): Promise<Scorer> {
    const made = this.#scorer?.made;
    if (this.#scorer && made?.B === B && made.T === T) return this.#scorer;
    this.#scorer?.dispose();
    this.#scorer = undefined;
    return this.#scorer = await Scorer.create(this.executor, evaluationPlan(this.store, { B, T }));
  }
}
