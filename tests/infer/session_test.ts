/** Tokens through caches, one by one and in chunks, give the logits of the forward pass over the whole sequence. */
import { strict as assert } from "node:assert";
import type { HymbaConfig } from "../../core/config/mod.ts";
import { DecodeSession } from "../../core/infer/session.ts";
import { forward } from "../../core/nn/model.ts";
import { linear } from "../../core/ops/linear.ts";
import { ParameterStore } from "../../core/params/store.ts";
import { type Executor, finish, ReferenceExecutor } from "../../core/plan/mod.ts";
import { randomInteger } from "../../core/random.ts";
import { Tape } from "../../core/tensor/mod.ts";
import { executors } from "../ops/executors.ts";
import { relativeError } from "../ops/harness.ts";
import { fill } from "./weights.ts";
import { furtherModels, SMALL, smallModels } from "../train/models.ts";

/** RMS(difference) / RMS(logits) at each position, against the forward pass in float64. */
const BOUND = 1e-4;
const { swaWindow: W, numMetaTokens: M, vocabSize: V } = SMALL;
/** Text so long that the ring of slots wraps around four times. */
const T = 4 * W + M;
/** Tokens at a time: one, a few, a window, everything. */
const CHUNKS = [1, 7, W, T];

function storeOn(executor: Executor, config: HymbaConfig): ParameterStore {
  const store = new ParameterStore(config);
  store.initialise(executor, 1);
  fill(store, executor);
  return store;
}

/** The text of sequence b. */
const textOf = (b: number) =>
  Uint32Array.from({ length: T }, (_, t) => randomInteger({ seed: 9, stream: 100, step: b }, t, V));

/** Logits [B, T, V] of whole sequences in float64. */
async function wholeSequences(config: HymbaConfig, B: number): Promise<Float64Array> {
  const executor = new ReferenceExecutor(), store = storeOn(executor, config), tape = new Tape(false);
  const ids = tape.input("ids", [B, T], { dtype: "u32" });
  const logits = linear(tape, { x: forward(tape, ids, store).hidden, w: store.tensor("embedding") });
  const program = await executor.prepare(finish(tape, { name: "whole sequence", outputs: [logits] }));
  program.write(ids, Uint32Array.from(Array.from({ length: B }, (_, b) => [...textOf(b)]).flat()));
  await program.run();
  return program.readExact(logits);
}

/** Checks the logits after token t of sequence b. */
type Check = (at: { b: number; t: number }, logits: Float32Array) => void;

/** Reads texts of these lengths in a session with chunks, and the rest of them token by token. */
async function readTexts(session: DecodeSession, lengths: readonly number[], check: Check): Promise<void> {
  const texts = lengths.map((length, b) => textOf(b).subarray(0, length));
  await session.append(texts, {
    see: ({ logits, starts, counts }) => {
      const rows = logits.length / lengths.length / V;
      for (const [b, count] of counts.entries()) {
        for (let row = 0; row < count; row++) {
          const at = (b * rows + row) * V;
          check({ b, t: starts[b]! - session.meta + row }, logits.subarray(at, at + V));
        }
      }
    },
  });
  await session.step();
  const logits = await session.logits();
  for (const [b, length] of lengths.entries()) check({ b, t: length - 1 }, logits.subarray(b * V, (b + 1) * V));
  for (let more = 0; lengths.every((length) => length + more < T); more++) {
    const logits = await session.feed(Uint32Array.from(lengths, (length, b) => textOf(b)[length + more]!));
    for (const [b, length] of lengths.entries()) check({ b, t: length + more }, logits.subarray(b * V, (b + 1) * V));
  }
}

for (const { name, config } of [...smallModels(), ...furtherModels()]) {
  Deno.test(`${name}: chunks of ${CHUNKS} tokens, and token by token, as the whole sequence; and after a restart`, async () => {
    const expected = await wholeSequences(config, 5);
    for (const executor of [new ReferenceExecutor(), ...await executors()]) {
      const store = storeOn(executor, config);
      // Every chunk alone; five texts of different lengths in one batch with the chunk that fits least.
      const rounds = [...CHUNKS.map((chunk) => ({ chunk, lengths: [T] })), { chunk: 7, lengths: [9, T - 3, 1, 7, 8] }];
      for (const { chunk, lengths } of rounds) {
        const session = await DecodeSession.create(executor, store, {
          B: lengths.length,
          length: T,
          chunk,
          logits: true,
        });
        for (const round of chunk === 7 ? ["first", "second"] : ["only"]) {
          await readTexts(session, lengths, ({ b, t }, logits) => {
            const at = (b * T + t) * V, error = relativeError(logits, expected.subarray(at, at + V));
            const where = `${executor.name}, chunks of ${chunk}, ${lengths.length} texts, ${round} round`;
            assert.ok(error <= BOUND, `${where}: token ${t} of text ${b} is off by ${error.toExponential(2)}`);
          });
          session.restart();
        }
        session.dispose();
      }
      const session = await DecodeSession.create(executor, store, { B: 1, length: T });
      for (let t = 0; t < T; t++) {
        const logits = await session.feed(textOf(0).slice(t, t + 1));
        const error = relativeError(logits, expected.subarray(t * V, (t + 1) * V));
        assert.ok(error <= BOUND, `${executor.name}, one by one: token ${t} is off by ${error.toExponential(2)}`);
      }
      session.dispose();
      store.release(executor);
    }
  });
}

Deno.test("a session that is full says how many tokens it holds", async () => {
  const { config } = smallModels().at(-1)!, executor = new ReferenceExecutor();
  const session = await DecodeSession.create(executor, storeOn(executor, config), { B: 1, length: 1 });
  await session.push(Uint32Array.of(3));
  await assert.rejects(session.push(Uint32Array.of(3)), /the caches are full\n.*at most 1 tokens/s);
  await assert.rejects(session.append([new Uint32Array(3)]), /the caches are full\n.*at most 1 tokens.*\n.*4 tokens/s);
});

Deno.test("a sequence without a token cannot go on", async () => {
  const { config } = smallModels().at(-1)!, executor = new ReferenceExecutor();
  const session = await DecodeSession.create(executor, storeOn(executor, config), { B: 2, length: 4 });
  await assert.rejects(session.step(), /append a text before the first step/);
  await assert.rejects(session.append([Uint32Array.of(1), new Uint32Array(0)]), /no token to continue from/);
});
