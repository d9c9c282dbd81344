/**
 * This folder: generation, with prompts read in chunks, one step with caches, and drawing tokens.
 * Generates B sequences. Given tokens are processed in chunks by the parallel kernels. Then each step draws a token of each
 * sequence. Caches, states, tokens and positions stay on the device, and a step allocates nothing.
 */
import { layersOf } from "../config/mod.ts";
import { HymbaError, throwIfStopped } from "../errors.ts";
import { at } from "../lists.ts";
import { HISTORY, type SampleSettings, type SampleState, settingsWords } from "../ops/sample.ts";
import type { ParameterStore } from "../params/store.ts";
import type { Data, Executor, Program } from "../plan/mod.ts";
import type { Arena } from "../tensor/mod.ts";
import { type LayerCache, layoutCaches, layoutSequences, type Part } from "./caches.ts";
import { type MetaPrefix, metaPrefix, startFrom } from "./meta_prefix.ts";
import { type ChunkPlan, chunkPlan, type StepPlan, stepPlan } from "./plans.ts";

/** Tokens per chunk. The bits of a text depend on it, so it is the same for every batch. */
const CHUNK = 64;

/** Always takes the most likely token. */
const GREEDY: SampleSettings = {
  seed: 0,
  topK: 0,
  temperature: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
};

export interface SessionOptions {
  readonly B: number;
  /** Most text tokens of a sequence. */
  readonly length: number;
  /** Tokens per chunk. Default 64. */
  readonly chunk?: number;
  /** Also compute the logits of given tokens, see `append`. */
  readonly logits?: boolean;
  /** The result of the meta tokens, if it was already computed with these weights. */
  readonly prefix?: MetaPrefix;
}

/**
 * The logits of one chunk, [B, T, V]. The first `counts[b]` rows of sequence b are valid; the first row has position
 * `starts[b]`.
 */
export interface ChunkLogits {
  readonly logits: Float32Array;
  readonly starts: Uint32Array;
  readonly counts: Uint32Array;
}

export interface AppendOptions {
  readonly see?: (chunk: ChunkLogits) => void;
  readonly signal?: AbortSignal;
}

interface Parts {
  readonly step: StepPlan;
  readonly chunk: ChunkPlan & { readonly T: number };
  readonly arenas: readonly Arena[];
  readonly caches: readonly LayerCache[];
  readonly state: SampleState;
  readonly prefix: MetaPrefix;
}

export class DecodeSession {
  readonly #parts: Parts;
  readonly #size: { readonly B: number; readonly S: number; readonly meta: number; readonly V: number };
  readonly #positions: Uint32Array<ArrayBuffer>;
  /** The last token of each sequence, which is the input of the next step. Undefined before the first text. */
  #waiting: Uint32Array<ArrayBuffer> | undefined;
  readonly #seen: Uint32Array<ArrayBuffer>;
  #turn = 0;
  /** Number of turns that the host has read. */
  #read = 0;
  #reader: Program | undefined;

  private constructor(
    private readonly executor: Executor,
    private readonly store: ParameterStore,
    private readonly program: Program,
    { parts, size }: { parts: Parts; size: { B: number; S: number; meta: number; V: number } },
  ) {
    this.#parts = parts;
    this.#size = size;
    this.#positions = new Uint32Array(size.B);
    this.#seen = new Uint32Array(size.B * size.V);
  }

  /** Makes a session for B sequences of at most `length` text tokens. They start after the meta tokens. */
  static async create(
    executor: Executor,
    store: ParameterStore,
    { B, length, chunk: T = CHUNK, logits, prefix }: SessionOptions,
  ): Promise<DecodeSession> {
    const { metaTokens: meta, vocabSize: V } = store.config, S = meta + length;
    const known = prefix ?? await metaPrefix(executor, store);
    const { arena, caches } = layoutCaches(store.config, { B, S }), sequences = layoutSequences({ B, V });
    const step = stepPlan(store, { positions: S, caches, state: sequences.state });
    const chunk = { ...chunkPlan(store, { B, T, positions: S, caches, logits }), T };
    const program = await executor.prepare(step.plan), arenas = [arena, sequences.arena];
    const parts = { step, chunk, arenas, caches, state: sequences.state, prefix: known };
    const session = new DecodeSession(executor, store, program, { parts, size: { B, S, meta, V } });
    session.restart();
    return session;
  }

  /** Number of meta tokens before every text. */
  get meta(): number {
    return this.#size.meta;
  }

  /** The caches after the meta tokens, for another session with the same weights. */
  get prefix(): MetaPrefix {
    return this.#parts.prefix;
  }

  /** Tokens of the longest sequence so far, the meta tokens not counted. */
  get tokens(): number {
    return this.#positions.reduce((most, position) => Math.max(most, position), 0) - this.#size.meta;
  }

  /** Bytes of the caches as they were allocated. */
  get cacheBytes(): number {
    return at(this.#parts.arenas, 0).elements * Float32Array.BYTES_PER_ELEMENT;
  }

  /** Clears the texts. New sequences start after the meta tokens. */
  restart(): void {
    const { prefix, caches } = this.#parts, { meta } = this.#size;
    startFrom(prefix, this.executor, { caches, meta });
    this.#positions.fill(meta);
    this.#seen.fill(0);
    this.#waiting = undefined;
    this.begin(GREEDY);
  }

  /**
   * Appends texts[b] to sequence b; lengths may differ. The last token of each is the input of the next step, so every
   * sequence must have one. In a session with `logits`, `see` gets the logits after every other token. Throws Interrupted
   * between two chunks when the signal aborts.
   */
  async append(texts: readonly Uint32Array[], options: AppendOptions = {}): Promise<void> {
    await this.drawn(this.#read);
    const all = texts.map((text, b) => {
      const before = this.#waiting ? [at(this.#waiting, b)] : [];
      return Uint32Array.from([...before, ...text]);
    });
    if (all.length !== this.#size.B || all.some(({ length }) => length === 0)) {
      throw new HymbaError("generation: a sequence has no token to continue from", {
        expected: `${this.#size.B} texts of at least one token`,
        got: `lengths ${texts.map(({ length }) => length).join(", ")}`,
      });
    }
    await this.#take(all.map((text) => text.subarray(0, -1)), options);
    this.#wait(Uint32Array.from(all, (text) => at(text, -1)));
  }

  /** Sets how the following tokens are drawn. Their turns count from 0. `numbers` [B], see `settingsWords`: 0 by default. */
  begin(settings: SampleSettings, numbers: readonly number[] = new Array<number>(this.#size.B).fill(0)): void {
    const { state, step } = this.#parts, { B } = this.#size;
    if (numbers.length !== B) {
      throw new HymbaError("generation: each sequence needs a number", { expected: `${B}`, got: `${numbers.length}` });
    }
    this.program.write(step.settings, settingsWords(settings, numbers));
    this.executor.write(state.turn, new Uint32Array(B));
    if (settings.repetitionPenalty !== 1) this.executor.write(state.seen, this.#seen);
    this.#turn = 0;
    this.#read = 0;
  }

  /** Draws a token of each sequence. Resolves when another step may be queued. {@link drawn} reads the tokens. */
  async step(): Promise<void> {
    if (!this.#waiting) throw new HymbaError("generation: append a text before the first step");
    this.#requireRoom(() => 1);
    await this.program.run();
    this.#turn++;
    for (let b = 0; b < this.#size.B; b++) this.#positions[b] = at(this.#positions, b) + 1;
  }

  /** The tokens of turns [from, now), [turns][B]. At most the last 64 are kept. */
  async drawn(from: number): Promise<Uint32Array[]> {
    const { B } = this.#size, { history } = this.#parts.state;
    if (this.#turn - from > HISTORY) throw new HymbaError(`generation: more than ${HISTORY} turns were not read`);
    if (this.#turn === from) return [];
    const all = await this.executor.read(history);
    const found = Array.from({ length: this.#turn - from }, (_, i) => {
      const row = (from + i) % HISTORY;
      return Uint32Array.from(all.subarray(row * B, (row + 1) * B));
    });
    this.#waiting = at(found, -1).slice();
    for (const row of found) this.#mark(row);
    this.#read = this.#turn;
    return found;
  }

  /** The logits that the last step drew from, [B, V]. */
  async logits(): Promise<Float32Array> {
    return await this.program.read(this.#parts.step.logits) as Float32Array;
  }

  /** A part of the current caches of a layer; undefined if the layer does not own such a part. */
  async cache(layer: number, part: Part): Promise<Data | undefined> {
    const tensor = this.#parts.caches[layer]?.[part];
    return tensor && await this.executor.read(tensor);
  }

  /** Appends one token to each sequence and returns the logits for the next, [B, V]. */
  async feed(tokens: Uint32Array<ArrayBuffer>): Promise<Float32Array> {
    await this.push(tokens);
    return await this.logits();
  }

  /** Appends one token to each sequence without reading the logits. */
  async push(tokens: Uint32Array<ArrayBuffer>): Promise<void> {
    this.#wait(tokens);
    await this.step();
    this.#waiting = undefined;
    this.#read = this.#turn;
  }

  /** Resolves when the device has finished all queued work. */
  async settled(): Promise<void> {
    await this.executor.read(this.#parts.state.token);
  }

  /**
   * For benchmarks: pretends that each sequence has `length` tokens. The caches have no valid numbers. The next input of each
   * sequence is token 0.
   */
  assume(length: number): void {
    this.#positions.fill(this.#size.meta + length);
    this.#wait(new Uint32Array(this.#size.B));
  }

  dispose(): void {
    this.program.dispose();
    this.#reader?.dispose();
    for (const arena of this.#parts.arenas) this.executor.release(arena);
  }

  #wait(tokens: Uint32Array<ArrayBuffer>): void {
    const { token, position } = this.#parts.state;
    this.executor.write(token, tokens);
    this.executor.write(position, this.#positions);
    this.#waiting = tokens;
    this.#mark(tokens);
  }

  #mark(tokens: ArrayLike<number>): void {
    for (let b = 0; b < tokens.length; b++) {
      const id = at(tokens, b);
      if (id < this.#size.V) this.#seen[b * this.#size.V + id] = 1;
    }
  }

  /** Processes texts chunk by chunk. Sequences with shorter texts wait for longer ones. */
  async #take(texts: readonly Uint32Array[], { see, signal }: AppendOptions): Promise<void> {
    const { T } = this.#parts.chunk, longest = texts.reduce((most, { length }) => Math.max(most, length), 0);
    if (longest === 0) return;
    this.#requireRoom((b) => at(texts, b).length);
    this.#reader ??= await this.executor.prepare(this.#parts.chunk.plan);
    for (const [b, text] of texts.entries()) for (const id of text) this.#seen[b * this.#size.V + id] = 1;
    for (let from = 0; from < longest; from += T) {
      throwIfStopped(signal, "sampling", { saved: false });
      await this.#readChunk(this.#reader, texts.map((text) => text.subarray(from, from + T)), see);
    }
  }

  async #readChunk(
    reader: Program,
    texts: readonly Uint32Array[],
    see?: (chunk: ChunkLogits) => void,
  ): Promise<void> {
    const { T, ids, start, count, logits } = this.#parts.chunk, rows = new Uint32Array(this.#size.B * T);
    for (const [b, text] of texts.entries()) rows.set(text, b * T);
    const starts = this.#positions.slice(), counts = Uint32Array.from(texts, ({ length }) => length);
    reader.write(ids, rows);
    reader.write(start, starts);
    reader.write(count, counts);
    await reader.run();
    for (const [b, { length }] of texts.entries()) this.#positions[b] = at(starts, b) + length;
    if (see && logits) see({ logits: await reader.read(logits) as Float32Array, starts, counts });
  }

  /** Throws if sequence b has no room for `more(b)` tokens. */
  #requireRoom(more: (b: number) => number): void {
    const { S, meta } = this.#size, longest = this.#positions.reduce((most, p, b) => Math.max(most, p + more(b)), 0);
    if (longest <= S) return;
    const global = layersOf(this.store.config).some(({ attention, window }) => attention && window === 0);
    throw new HymbaError("generation: the caches are full", {
      expected: `at most ${S - meta} tokens`,
      got: `${longest - meta} tokens`,
      hint: global
        ? "layers with full attention keep the keys and values of every token: begin again with a shorter text or with more room, or use a model with windows"
        : "begin again with more room; the caches need no more memory",
    });
  }
}
