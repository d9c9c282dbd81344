/** Programs in JavaScript have no type checker: every wrong argument of the library is an error of ours that says what was expected. */
import assert from "node:assert/strict";
import { join } from "node:path";
import * as library from "../../mod.ts";

/** Values of every kind. */
const ANYTHING: readonly unknown[] = [
  ...[null, undefined, 5, NaN, -1, 0.5, 10n, true, "no such path", "", () => 1, {}, { a: 1n }, new Float32Array(2)],
  ...[[], [null], [5], ["a"], [[]], [[null]], [["a"]], [[1e9]]],
];

/** The library as untyped programs see it. */
// deno-lint-ignore no-explicit-any
const untyped: any = library;
const { Hymba, HymbaConfig, HymbaError, Tokenizer, Trainer, saveCheckpoint, loadCheckpoint, proveCausality } = untyped;
const SIZES = { vocabSize: 40, dModel: 16, nLayers: 1, nHeads: 2, nKvHeads: 1 }, CPU = { backend: "cpu", threads: 1 };
const tokens = Array.from({ length: 60 }, (_, i) => i % 40), FEW = { maxNewTokens: 1 };

type Call = (value: unknown) => unknown;

/** The call with each value either works or throws a HymbaError. Returns how many values were refused. */
async function refused(name: string, call: Call, values = ANYTHING): Promise<number> {
  let count = 0;
  for (const value of values) {
    try {
      const made = await call(value) as { close?: () => Promise<void> } | undefined;
      await made?.close?.();
    } catch (error) {
      assert.ok(error instanceof HymbaError, `${name} with ${Deno.inspect(value)}: ${error}`);
      count++;
    }
  }
  return count;
}

Deno.test("library: wrong arguments are errors in words, never a TypeError", async () => {
  const folder = await Deno.makeTempDir(),
    model = await Hymba.create(SIZES, CPU),
    words = library.trainTokenizer("ab cd ", {
      vocabSize: 262,
    });
  const reader = await Hymba.create({ ...SIZES, vocabSize: 262 }, { ...CPU, tokenizer: words });
  const trainer = await Trainer.create(model, { tokens, steps: 1, length: 9 });
  const option = (name: string): [string, Call] => [name, (value) => model.generate([[1]], { ...FEW, [name]: value })];
  const calls: readonly [string, Call][] = [
    ["create: options", (value) => Hymba.create(SIZES, value === undefined ? CPU : value)],
    ["create: seed", (seed) => Hymba.create(SIZES, { ...CPU, seed })],
    ["create: tokenizer", (tokenizer) => Hymba.create(SIZES, { ...CPU, tokenizer })],
    ["create: adapter", (adapter) => Hymba.create(SIZES, { ...CPU, adapter })],
    ["create: threads", (threads) => Hymba.create(SIZES, { ...CPU, threads })],
    ["create: backend", (backend) => Hymba.create(SIZES, { threads: 1, backend })],
    ["create: width", (dModel) => Hymba.create({ ...SIZES, dModel: dModel ?? 16 }, CPU)],
    ["load: path", (path) => Hymba.load(path)],
    ["load: options", (options) => Hymba.load(folder, options)],
    ["generate: ids", (ids) => model.generate(ids, FEW)],
    ["generate: text", (text) => reader.generate(text, FEW)],
    ["generate: stop", (stop) => reader.generate("ab", { ...FEW, stop })],
    ["generate: options", (options) => model.generate([[1]], options === undefined ? FEW : options)],
    ...["signal", "seed", "repeat", "temperature", "topK", "topP", "minP", "repetitionPenalty"].map(option),
    ["forward: ids", (ids) => model.forward(ids)],
    ["forward: options", (options) => model.forward([[1]], options)],
    ["forward: targets", (targets) => model.forward([[1]], { targets })],
    ["evaluate: ids", (ids) => model.evaluate(ids)],
    ["evaluate: text", (text) => reader.evaluate(text)],
    ["evaluate: options", (options) => model.evaluate([1, 2, 3], options)],
    ["evaluate: length", (length) => model.evaluate([1, 2, 3], { length })],
    ["encode", (text) => reader.tokenizer.encode(text)],
    ["decode", (ids) => reader.tokenizer.decode(ids)],
    ["Tokenizer.fromModelBytes", (bytes) => Tokenizer.fromModelBytes(bytes)],
    ["Tokenizer.fromJson", (text) => Tokenizer.fromJson(text)],
    ["loadWeights", (bytes) => model.loadWeights(bytes)],
    ["Trainer.create: model", (value) => Trainer.create(value, { tokens, steps: 1, length: 9 })],
    ["Trainer.create: options", (options) => Trainer.create(model, options)],
    ["training: tokens", (value) => Trainer.create(model, { tokens: value, steps: 1, length: 4 })],
    ["training: pairs", (pairs) => Trainer.create(model, { pairs, steps: 1 })],
    ...["steps", "rate", "batch", "warmup", "schedule"].map((name): [string, Call] => [
      `training: ${name}`,
      (value) => Trainer.create(model, { tokens, steps: 1, length: 9, [name]: value }),
    ]),
    ["run", async (options) => await Array.fromAsync(trainer.run(options))],
    ["restore", (checkpoint) => trainer.restore(checkpoint)],
    ["saveCheckpoint: source", (source) => saveCheckpoint(source, join(folder, "kept"))],
    ["loadCheckpoint: which", (which) => loadCheckpoint(folder, { which })],
    ["loadCheckpoint: options", (options) => loadCheckpoint(folder, options)],
    // {} is a valid configuration, and a large one; it also stands for undefined.
    [
      "proveCausality",
      (value) => proveCausality((value ?? {}).constructor === Object ? 0 : value, { ...CPU, length: 2 }),
    ],
    ["proveCausality: positions", (positions) => proveCausality(model, { length: 2, positions })],
    ["proveCausality: length", (length) => proveCausality(model, { length: length ?? 2 })],
  ];
  for (const [name, call] of calls) assert.ok(await refused(name, call) > 0, `${name}: nothing is refused`);
  const noPaths = ANYTHING.filter((value) => typeof value !== "string" || value === "");
  for (const call of [Hymba.load, loadCheckpoint, (path: unknown) => saveCheckpoint(model, path)]) {
    assert.equal(await refused("path", call, noPaths), noPaths.length);
  }
  for (const options of [[], Promise.resolve({})]) assert.throws(() => new HymbaConfig(options), HymbaError);
  const sparse = new Array<number>(2);
  sparse[1] = 1;
  for (const row of [sparse, ["1"], [true]]) {
    await assert.rejects(async () => await model.generate([row], FEW), HymbaError);
  }
  await assert.rejects(async () => await proveCausality(model, { positions: [] }), HymbaError);
  const usual = await Trainer.create(model, { tokens, steps: 1, length: 9, batch: undefined });
  await usual.close();
  const stopped = model.generate([[1]], { ...FEW, signal: AbortSignal.abort() });
  await assert.rejects(async () => await stopped, { message: "stopped while sampling" });
  for (const one of [trainer, reader, model]) await one.close();
  await Deno.remove(folder, { recursive: true });
});
