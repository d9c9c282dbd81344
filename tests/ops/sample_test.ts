/** Draws of tokens: every executor draws the same tokens as sorting in float64, with the right probabilities. */
import { strict as assert } from "node:assert";
import { HISTORY, NOT_DRAWN, sample, type SampleSettings, settingsWords } from "../../core/ops/sample.ts";
import { type Executor, finish, ReferenceExecutor } from "../../core/plan/mod.ts";
import { fillNormal, randomInteger } from "../../core/random.ts";
import { Arena, sizeOf, Storage, Tape, tensorOver } from "../../core/tensor/mod.ts";
import { executors } from "./executors.ts";

const PLAIN: SampleSettings = { seed: 1, topK: 0, temperature: 1, topP: 1, minP: 0, repetitionPenalty: 1 };

/** Draws `turns` tokens for each row of the same logits, and returns what the history has, [turns][B]. */
async function draws(
  executor: Executor,
  { logits, B, turns, settings, numbers = Array.from({ length: B }, (_, b) => b) }: {
    logits: Float32Array<ArrayBuffer>;
    B: number;
    turns: number;
    settings: SampleSettings;
    numbers?: readonly number[];
  },
): Promise<number[][]> {
  const V = logits.length / B, tape = new Tape(false);
  const shapes = { token: [B], position: [B], turn: [B], seen: [B, V], history: [HISTORY, B] } as const;
  const room = (shape: readonly number[]) => 64 * Math.ceil(sizeOf(shape) / 64);
  const arena = new Arena("sequences", Object.values(shapes).reduce((sum, shape) => sum + room(shape), 0));
  let offset = 0;
  const place = (name: keyof typeof shapes) => {
    const storage = new Storage(name, sizeOf(shapes[name]), "u32", { arena, offset });
    offset += room(shapes[name]);
    return tensorOver(storage, shapes[name]);
  };
  const state = {
    ...{ token: place("token"), position: place("position"), turn: place("turn"), seen: place("seen") },
    history: place("history"),
  };
  const given = tape.input("logits", [B, V]), words = tape.input("settings", [B, 8], { dtype: "u32" });
  sample(tape, { logits: given, settings: words, state });
  const program = await executor.prepare(finish(tape, { name: "draws" }));
  executor.write(state.position, new Uint32Array(B).fill(7));
  program.write(given, logits);
  program.write(words, settingsWords(settings, numbers));
  const found: number[][] = [];
  for (let t = 0; t < turns; t++) {
    await program.run();
    const token = [...await executor.read(state.token)], history = [...await executor.read(state.history)];
    const row = history.slice((t % HISTORY) * B, (t % HISTORY + 1) * B);
    assert.deepEqual(row.map((id) => id === NOT_DRAWN ? 0 : id), token, `${executor.name}: history and token differ`);
    found.push(row);
  }
  assert.deepEqual([...await executor.read(state.position)], Array.from({ length: B }, () => 7 + turns));
  assert.deepEqual([...await executor.read(state.turn)], Array.from({ length: B }, () => turns));
  program.dispose();
  executor.release(arena);
  return found;
}

const normal = (size: number, deviation: number) =>
  fillNormal(new Float32Array(size), { seed: 4, stream: 100, step: size }, { deviation });

/** Logits of few different values, so that most are equal to others. */
const tied = (size: number) =>
  Float32Array.from({ length: size }, (_, i) => randomInteger({ seed: 4, stream: 100, step: 1 }, i, 4) - 2);

const CASES: readonly (readonly [name: string, V: number, settings: Partial<SampleSettings>, tied?: boolean])[] = [
  ["greedy", 257, { temperature: 0 }],
  ["greedy among equals", 65, { temperature: 0 }, true],
  ["plain", 257, {}],
  ["one token", 1, {}],
  ["a large seed", 63, { seed: 2 ** 40 + 5 }],
  ["hot", 65, { temperature: 3 }],
  ["cold", 65, { temperature: 0.1 }],
  ["top-k", 1000, { topK: 5 }],
  ["top-k of all", 63, { topK: 63 }],
  ["top-k of more than there are", 63, { topK: 999 }],
  ["top-k among equals", 65, { topK: 20 }, true],
  ["top-p", 257, { topP: 0.7 }],
  ["top-p among equals", 65, { topP: 0.4 }, true],
  ["a tiny top-p", 65, { topP: 1e-6 }],
  ["min-p", 257, { minP: 0.1 }],
  ["min-p of 1", 65, { minP: 1 }, true],
  ["repetition penalty", 33, { repetitionPenalty: 3 }],
  ["everything", 1000, { topK: 50, topP: 0.9, minP: 0.02, temperature: 0.8, repetitionPenalty: 1.3 }],
  ["everything among equals", 63, { topK: 40, topP: 0.9, minP: 0.02, temperature: 0.8, repetitionPenalty: 1.1 }, true],
];

for (const [name, V, settings, equal] of CASES) {
  Deno.test(`sample: ${name}, ${V} tokens: every executor draws what sorting in float64 draws`, async () => {
    const B = 3, logits = equal ? tied(B * V) : normal(B * V, 2), options = { ...PLAIN, ...settings };
    const expected = await draws(new ReferenceExecutor(), { logits, B, turns: 70, settings: options });
    for (const executor of await executors()) {
      assert.deepEqual(await draws(executor, { logits, B, turns: 70, settings: options }), expected, executor.name);
    }
  });
}

Deno.test("sample: a sequence draws the same tokens alone and beside others", async () => {
  const V = 65, B = 4, logits = normal(B * V, 2);
  for (const executor of [new ReferenceExecutor(), ...await executors()]) {
    const together = await draws(executor, { logits, B, turns: 9, settings: PLAIN });
    for (let b = 0; b < B; b++) {
      const own = { logits: logits.slice(b * V, (b + 1) * V), B: 1, turns: 9, settings: PLAIN, numbers: [b] };
      assert.deepEqual(await draws(executor, own), together.map((row) => [row[b]]), executor.name);
    }
  }
});

Deno.test("sample: frequencies are the probabilities, by chi square", async () => {
  const turns = 4000, logits = Float32Array.of(0, 1, -1, 2, 0.5, -9), executor = (await executors()).at(-1)!;
  const settings = { ...PLAIN, temperature: 1.5, topK: 5 };
  const counts = new Array(6).fill(0), B = 10, all = Float32Array.from({ length: 6 * B }, (_, i) => logits[i % 6]!);
  for (const row of await draws(executor, { logits: all, B, turns: turns / B, settings })) {
    for (const id of row) counts[id]++;
  }
  const weights = Array.from(logits, (logit, i) => i < 5 ? Math.exp(logit / 1.5) : 0);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  assert.equal(counts[5], 0);
  const chi2 = weights.slice(0, 5).reduce((sum, weight, i) => {
    const expected = turns * weight / total;
    return sum + (counts[i] - expected) ** 2 / expected;
  }, 0);
  assert.ok(chi2 < 18.5, `chi square ${chi2} of 4 degrees of freedom`); // p = 0.001
});

for (const bad of [NaN, Infinity, -Infinity]) {
  Deno.test(`sample: a logit of ${bad} draws nothing, and only in its sequence`, async () => {
    const B = 2, V = 9, logits = normal(B * V, 1);
    logits[4] = bad;
    for (const executor of [new ReferenceExecutor(), ...await executors()]) {
      for (const temperature of [0, 1]) {
        const [row] = await draws(executor, { logits, B, turns: 1, settings: { ...PLAIN, temperature } });
        assert.equal(row![0], NOT_DRAWN, executor.name);
        assert.ok(row![1]! < V, executor.name);
      }
    }
  });
}
