/** Generation, one position at a time. The plan of one position is replayed; caches and states stay on the device. */
import { HymbaError } from "../errors.ts";
import { recordLayers } from "../nn/model.ts";
import { embedStep } from "../ops/decode.ts";
import { linear } from "../ops/linear.ts";
import type { ParameterStore } from "../params/store.ts";
import { type Executor, finish, type Program } from "../plan/mod.ts";
import { type Arena, sizeOf, Tape, type Tensor } from "../tensor/mod.ts";
import { type LayerCache, layoutCaches, OnePosition } from "./one_position.ts";

/** B sequences that grow by one token at a time. */
export class DecodeSession {
  #position = 0;

  private constructor(
    private readonly executor: Executor,
    private readonly program: Program,
    private readonly made: {
      token: Tensor;
      position: Tensor;
      logits: Tensor;
      arena: Arena;
      caches: readonly LayerCache[];
    },
    private readonly size: { B: number; S: number; meta: number },
  ) {}

  /** Room for B sequences of at most `length` text tokens. The meta tokens are appended at once. */
  static async create(
    executor: Executor,
    store: ParameterStore,
    { B, length }: { B: number; length: number },
  ): Promise<DecodeSession> {
    const meta = store.config.metaTokens, S = meta + length;
    const { arena, caches } = layoutCaches(store.config, { B, S });
    const tape = new Tape(false);
    const token = tape.input("token", [B], { dtype: "u32" }), position = tape.input("position", [1], { dtype: "u32" });
    const hidden = recordLayers(tape, store, {
      positions: S,
      mixing: new OnePosition(tape, store.config, { position, caches }),
      embed: (parameters) => embedStep(tape, { token, position, ...parameters }),
    });
    const logits = linear(tape, { x: hidden, w: store.tensor("embedding") }, { name: "logits" });
    const plan = finish(tape, { name: `decoding ${store.config.archType}`, outputs: [logits] });
    const program = await executor.prepare(plan), made = { token, position, logits, arena, caches };
    const session = new DecodeSession(executor, program, made, { B, S, meta });
    await session.restart();
    return session;
  }

  /** Clears the text. New sequences start after the meta tokens. */
  async restart(): Promise<void> {
    for (const { heads, conv, scan } of this.made.caches) {
      for (const state of [heads, conv, scan]) {
        if (state) this.executor.write(state, new Float32Array(sizeOf(state.shape)));
      }
    }
    this.#position = 0;
    while (this.#position < this.size.meta) await this.#step(new Uint32Array(this.size.B));
  }

  /** Appends one token to each sequence and returns the logits for the next, [B, V]. */
  async feed(tokens: Uint32Array<ArrayBuffer>): Promise<Float32Array> {
    await this.push(tokens);
    return await this.program.read(this.made.logits) as Float32Array;
  }

  /** Appends one token to each sequence and does not read the logits. */
  async push(tokens: Uint32Array<ArrayBuffer>): Promise<void> {
    if (this.#position >= this.size.S) {
      throw new HymbaError("generation: the caches are full", {
        expected: `at most ${this.size.S - this.size.meta} tokens`,
      });
    }
    await this.#step(tokens);
  }

  dispose(): void {
    this.program.dispose();
    this.executor.release(this.made.arena);
  }

  async #step(tokens: Uint32Array<ArrayBuffer>): Promise<void> {
    this.program.write(this.made.token, tokens);
    this.program.write(this.made.position, Uint32Array.of(this.#position++));
    await this.program.run();
  }
}
