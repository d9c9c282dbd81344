/** Generated texts: greedy text is that of token-by-token logits, a sequence does not depend on its batch, and steps allocate nothing. */
import { strict as assert } from "node:assert";
import { UsageError } from "../../core/errors.ts";
import { drawn, generate, repeats, type SamplingOptions, settingsOf } from "../../core/infer/generate.ts";
import { DecodeSession } from "../../core/infer/session.ts";
import { ParameterStore } from "../../core/params/store.ts";
import type { Executor } from "../../core/plan/mod.ts";
import { randomInteger } from "../../core/random.ts";
import { WebgpuExecutor } from "../../core/webgpu/executor.ts";
import { executors } from "../ops/executors.ts";
import { SMALL, smallModels } from "../train/models.ts";
import { fill } from "./weights.ts";

const { vocabSize: V } = SMALL;
const LENGTHS = [9, 1, 70, 13, 2], NEW = 12;
const PROMPTS = LENGTHS.map((length, b) =>
  Uint32Array.from({ length }, (_, t) => randomInteger({ seed: 3, stream: 100, step: b }, t, V))
);
const GREEDY: SamplingOptions = { newTokens: NEW, temperature: 0, seed: 1 };
const DRAWN: SamplingOptions = {
  ...{ newTokens: NEW, temperature: 0.9, topK: 20, topP: 0.95, minP: 0.01, repetitionPenalty: 1.2, seed: 5 },
};

/** Token after token through the caches, the likeliest each time; the first of equals. */
async function greedyText(executor: Executor, store: ParameterStore, prompt: Uint32Array): Promise<number[]> {
  const session = await DecodeSession.create(executor, store, { B: 1, length: prompt.length + NEW });
  let logits = new Float32Array();
  for (const id of prompt) logits = await session.feed(Uint32Array.of(id)) as typeof logits;
  const made: number[] = [];
  for (let t = 0; t < NEW; t++) {
    made.push(logits.indexOf(Math.max(...logits)));
    logits = await session.feed(Uint32Array.of(made[t]!)) as typeof logits;
  }
  session.dispose();
  return made;
}

async function withStore(executor: Executor, index: number, use: (store: ParameterStore) => Promise<void>) {
  const store = new ParameterStore(smallModels()[index]!.config);
  store.initialise(executor, 1);
  fill(store, executor);
  await use(store);
  store.release(executor);
}

for (const [index, { name }] of smallModels().entries()) {
  Deno.test(`${name}: five prompts of different lengths get the greedy text of each, and alone the same draws`, async () => {
    for (const executor of await executors()) {
      await withStore(executor, index, async (store) => {
        const greedy = await generate(executor, store, { prompts: PROMPTS, ...GREEDY });
        const together = await generate(executor, store, { prompts: PROMPTS, ...DRAWN });
        for (const [b, prompt] of PROMPTS.entries()) {
          if (b % 2 === 0) {
            assert.deepEqual([...greedy.tokens[b]!], await greedyText(executor, store, prompt), executor.name);
          }
          const { tokens: [alone] } = await generate(executor, store, { prompts: [prompt], ...DRAWN });
          assert.deepEqual([...alone!], [...together.tokens[b]!], `${executor.name}: sequence ${b}`);
        }
        const reversed = await generate(executor, store, { prompts: PROMPTS.toReversed(), ...DRAWN });
        assert.deepEqual(reversed.tokens.toReversed(), together.tokens, "the place in a list does not matter");
        const again = await generate(executor, store, { prompts: PROMPTS, ...DRAWN, seed: 6 });
        assert.notDeepEqual(again.tokens, together.tokens, "another seed draws another text");
      });
    }
  });
}

Deno.test("equal prompts of one list get different tokens, which no other prompt changes", async () => {
  const [a, b] = [PROMPTS[0]!, PROMPTS[3]!];
  assert.deepEqual(repeats([a, b, a, Uint32Array.from(a)], 5), [5, 5, 6, 7]);
  for (const executor of await executors()) {
    await withStore(executor, 4, async (store) => {
      const { tokens } = await generate(executor, store, { prompts: [a, b, a], ...DRAWN });
      assert.notDeepEqual(tokens[0], tokens[2], executor.name);
      const plain = await generate(executor, store, { prompts: [a, a], ...DRAWN });
      assert.deepEqual(plain.tokens, [tokens[0], tokens[2]], executor.name);
      const later = await generate(executor, store, { prompts: [b, a], ...DRAWN, numbers: [0, 1] });
      assert.deepEqual(later.tokens, [tokens[1], tokens[2]], executor.name);
    });
  }
});

Deno.test("logits have the same bits in a batch of one, five and 33", async () => {
  for (const executor of await executors()) {
    await withStore(executor, 4, async (store) => {
      const [prompt] = PROMPTS, found: Float32Array[] = [];
      for (const B of [1, 5, 33]) {
        const session = await DecodeSession.create(executor, store, { B, length: 20 });
        await session.append(Array.from({ length: B }, (_, b) => b === B - 1 ? prompt! : PROMPTS[3]!));
        await session.step();
        found.push((await session.logits()).slice((B - 1) * V));
        session.dispose();
      }
      for (const logits of found) assert.deepEqual(logits, found[0], executor.name);
    });
  }
});

Deno.test("a text continues after more of it was given, as if all had been given at once", async () => {
  for (const executor of await executors()) {
    await withStore(executor, 4, async (store) => {
      const session = await DecodeSession.create(executor, store, { B: 1, length: 100 });
      await session.append([PROMPTS[0]!]);
      const first: number[] = [];
      for await (const rows of drawn(session, { ...GREEDY, newTokens: 5, each: true })) {
        assert.equal(rows.length, 1);
        first.push(rows[0]![0]!);
      }
      await session.append([PROMPTS[3]!]);
      const second: number[] = [];
      for await (const rows of drawn(session, { ...GREEDY, newTokens: 5 })) second.push(...rows.map((row) => row[0]!));
      session.dispose();
      const whole = Uint32Array.from([...PROMPTS[0]!, ...first, ...PROMPTS[3]!]);
      const { tokens: [expected] } = await generate(executor, store, { ...GREEDY, newTokens: 5, prompts: [whole] });
      assert.deepEqual(second, [...expected!], executor.name);
    });
  }
});

Deno.test("more tokens than the history holds are all read, in order", async () => {
  const executor = (await executors()).at(-1)!;
  await withStore(executor, 0, async (store) => {
    const [prompt] = PROMPTS, long = { ...DRAWN, newTokens: 300 };
    const { tokens: [all] } = await generate(executor, store, { prompts: [prompt!], ...long });
    const session = await DecodeSession.create(executor, store, { B: 1, length: 400 });
    await session.append([prompt!]);
    const each: number[] = [];
    for await (const rows of drawn(session, { ...long, each: true })) each.push(...rows.map((row) => row[0]!));
    session.dispose();
    assert.deepEqual(each, [...all!]);
  });
});

Deno.test("a step is one submit, and makes no buffer, no bind group and no pipeline", async () => {
  const executor = (await executors()).find((executor) => executor instanceof WebgpuExecutor);
  assert.ok(executor instanceof WebgpuExecutor);
  await withStore(executor, 4, async (store) => {
    const session = await DecodeSession.create(executor, store, { B: 2, length: 200 });
    await session.append([PROMPTS[0]!, PROMPTS[3]!]);
    for await (const _ of drawn(session, { ...DRAWN, newTokens: 3 }));
    const { device } = executor.gpu, calls = { createBuffer: 0, createBindGroup: 0, createComputePipelineAsync: 0 };
    const names = Object.keys(calls) as (keyof typeof calls)[], queue = device.queue, submit = queue.submit.bind(queue);
    const before = names.map((name) => device[name]);
    let submits = 0;
    queue.submit = (lists) => (submits++, submit(lists));
    for (const name of names) {
      const original = device[name].bind(device) as (...given: unknown[]) => unknown;
      Object.assign(device, { [name]: (...given: unknown[]) => (calls[name]++, original(...given)) });
    }
    try {
      for (let i = 0; i < 40; i++) await session.step();
      assert.equal(submits, 40);
      for (let i = 0; i < 3; i++) {
        await session.step();
        await session.drawn(40 + i);
      }
      assert.equal(submits, 46, "one more where the tokens are read");
      assert.deepEqual(calls, { createBuffer: 0, createBindGroup: 0, createComputePipelineAsync: 0 });
    } finally {
      for (const [i, name] of names.entries()) Object.assign(device, { [name]: before[i] });
      queue.submit = submit;
    }
    session.dispose();
  });
});

Deno.test("windows and Mamba go on behind the trained length with caches that do not grow; full attention says what it needs", async () => {
  const executor = (await executors()).at(-1)!, bytes = new Map<string, number[]>();
  for (const [index, { name }] of smallModels().entries()) {
    await withStore(executor, index, async (store) => {
      const sizes: number[] = [];
      for (const length of [100, 5000]) {
        const session = await DecodeSession.create(executor, store, { B: 1, length });
        sizes.push(session.cacheBytes);
        if (length === 5000 && name !== "transformer-global") {
          await session.append([Uint32Array.from({ length: 1500 }, (_, t) => t % V)]);
          await session.step();
          assert.ok((await session.logits()).every(Number.isFinite), name);
        }
        session.dispose();
      }
      bytes.set(name, sizes);
    });
  }
  for (const name of ["mamba", "transformer-local"]) assert.equal(bytes.get(name)![0], bytes.get(name)![1], name);
  assert.ok(bytes.get("transformer-global")![1]! > 40 * bytes.get("transformer-global")![0]!);
});

for (
  const [name, options] of [
    ...[0, -0.1, 1.01, NaN].map((topP) => ["topP", { topP }] as const),
    ...[-0.1, 1.01, NaN].map((minP) => ["minP", { minP }] as const),
    ...[0, -1, 1001, NaN].map((repetitionPenalty) => ["repetitionPenalty", { repetitionPenalty }] as const),
  ]
) {
  Deno.test(`sampling: ${name} ${Object.values(options)} is a usage error that names it`, () => {
    assert.throws(() => settingsOf({ ...DRAWN, ...options }), (error: unknown) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, new RegExp(`^sampling: ${name} is out of range\n.*\n +got: `));
      return true;
    });
  });
}
