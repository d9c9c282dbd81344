/** Token by token through caches gives the logits of the forward pass over the whole sequence. */
import { strict as assert } from "node:assert";
import type { HymbaConfig } from "../../core/config/mod.ts";
import { DecodeSession } from "../../core/infer/session.ts";
import { forward } from "../../core/nn/model.ts";
import { linear } from "../../core/ops/linear.ts";
import { ParameterStore } from "../../core/params/store.ts";
import { type Executor, finish, ReferenceExecutor } from "../../core/plan/mod.ts";
import { fillNormal, randomInteger } from "../../core/random.ts";
import { sizeOf, Tape } from "../../core/tensor/mod.ts";
import { executors } from "../ops/executors.ts";
import { relativeError } from "../ops/harness.ts";
import { furtherModels, SMALL, smallModels } from "../train/models.ts";

/** RMS(difference) / RMS(logits) at each position, against the forward pass in float64. */
const BOUND = 1e-4;
const B = 2;
/** Sequences longer than the window, and longer than window and meta tokens, so that the ring of slots wraps around. */
const LENGTHS = [SMALL.swaWindow + 2, 2 * (SMALL.swaWindow + SMALL.numMetaTokens) + 1];

/** Weights large enough that attention is uneven and every branch matters. With weights drawn for training, all logits are near zero. */
function fill(store: ParameterStore, executor: Executor): void {
  for (const [step, { name, shape, init }] of store.specs.entries()) {
    if (init.kind !== "normal") continue;
    const values = fillNormal(new Float32Array(sizeOf(shape)), { seed: 8, stream: 100, step }, {
      deviation: 1.5 / Math.sqrt(shape.at(-1)!),
    });
    executor.write(store.tensor(name), values);
  }
}

function storeOn(executor: Executor, config: HymbaConfig): ParameterStore {
  const store = new ParameterStore(config);
  store.initialise(executor, 1);
  fill(store, executor);
  return store;
}

const tokens = (T: number, V: number) =>
  Uint32Array.from({ length: B * T }, (_, i) => randomInteger({ seed: 9, stream: 100, step: 0 }, i, V));

/** Logits [B, T, V] of the whole sequence in float64. */
async function wholeSequence(config: HymbaConfig, T: number): Promise<Float64Array> {
  const executor = new ReferenceExecutor(), store = storeOn(executor, config), tape = new Tape(false);
  const ids = tape.input("ids", [B, T], { dtype: "u32" });
  const logits = linear(tape, { x: forward(tape, ids, store).hidden, w: store.tensor("embedding") });
  const program = await executor.prepare(finish(tape, { name: "whole sequence", outputs: [logits] }));
  program.write(ids, tokens(T, config.vocabSize));
  await program.run();
  return program.readExact(logits);
}

for (const { name, config } of [...smallModels(), ...furtherModels()]) {
  for (const T of LENGTHS) {
    Deno.test(`${name}, ${T} tokens: one by one as all at once, and again after a restart`, async () => {
      const V = config.vocabSize, ids = tokens(T, V), expected = await wholeSequence(config, T);
      for (const executor of [new ReferenceExecutor(), ...await executors()]) {
        const store = storeOn(executor, config);
        const session = await DecodeSession.create(executor, store, { B, length: T });
        for (const round of ["first", "second"]) {
          for (let t = 0; t < T; t++) {
            const logits = await session.feed(Uint32Array.from({ length: B }, (_, b) => ids[b * T + t]!));
            for (let b = 0; b < B; b++) {
              const at = (b * T + t) * V,
                error = relativeError(logits.subarray(b * V, (b + 1) * V), expected.subarray(at, at + V));
              assert.ok(
                error <= BOUND,
                `${executor.name}, ${round} round: position ${t} of sequence ${b} is off by ${error.toExponential(2)}`,
              );
            }
          }
          await session.restart();
        }
        session.dispose();
        store.release(executor);
      }
    });
  }
}

Deno.test("a session that is full says how many tokens it holds", async () => {
  const { config } = smallModels().at(-1)!, executor = new ReferenceExecutor();
  const session = await DecodeSession.create(executor, storeOn(executor, config), { B: 1, length: 1 });
  await session.push(Uint32Array.of(3));
  await assert.rejects(session.push(Uint32Array.of(3)), /the caches are full\n.*at most 1 tokens/s);
});
