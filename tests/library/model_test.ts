/** A model of the library: forward, generate, evaluate, weights; overlapping calls and wrong ones. */
import assert from "node:assert/strict";
import { Hymba, HymbaError, trainTokenizer, UsageError } from "../../mod.ts";
import { SIZES, small } from "./small.ts";

const IDS = [[1, 2, 3, 4], [9, 8, 7, 6]], TARGETS = [[2, 3, 4, 5], [8, 7, 6, 5]];
const refused = (words: RegExp) => (error: unknown) => error instanceof UsageError && words.test(error.message);

Deno.test("model: logits and log-probabilities agree, and the loss is their mean", async () => {
  await using model = await small();
  const { logits } = await model.forward(IDS), { loss, logp } = await model.forward(IDS, { targets: TARGETS });
  const V = SIZES.vocabSize;
  assert.equal(logits.length, 2 * 4 * V);
  for (const [place, target] of TARGETS.flat().entries()) {
    const row = logits.subarray(place * V, (place + 1) * V), most = Math.max(...row);
    const total = row.reduce((sum, x) => sum + Math.exp(x - most), 0);
    assert.ok(Math.abs(row[target]! - most - Math.log(total) - logp[place]!) < 1e-4);
  }
  assert.ok(Math.abs(loss + logp.reduce((sum, x) => sum + x, 0) / logp.length) < 1e-6);
  assert.deepEqual(model.device, { backend: "cpu", name: "WebAssembly", hardware: false });
});

Deno.test("model: plain options make the model of a HymbaConfig, and a seed its weights", async () => {
  await using one = await Hymba.create(SIZES, { backend: "cpu", seed: 3 });
  await using other = await small({ seed: 3 });
  await using third = await small({ seed: 4 });
  assert.deepEqual(await one.saveWeights(), await other.saveWeights());
  assert.notDeepEqual(await one.saveWeights(), await third.saveWeights());
  await assert.rejects(small({ seed: -1 }), refused(/seed/));
  await assert.rejects(Hymba.create({ nHeads: 3, nKvHeads: 2 }), refused(/nHeads/));
});

Deno.test("model: a loop and a promise give the same tokens, again and again, whatever is beside them", async () => {
  await using model = await small();
  const options = { maxNewTokens: 9, temperature: 0.9, topK: 30, seed: 5 };
  const generation = model.generate([[1, 2, 3], [4]], options), all = await generation;
  assert.deepEqual(all.map(({ length }) => length), [9, 9]);
  for (let round = 0; round < 2; round++) {
    const turns: number[][] = [];
    for await (const next of generation) turns.push(next);
    assert.deepEqual(turns, Array.from({ length: 9 }, (_, turn) => all.map((row) => row[turn])));
  }
  for await (const next of generation) {
    assert.equal(next.length, 2);
    break;
  }
  assert.deepEqual((await model.generate([[1, 2, 3]], options))[0], all[0]);
});

Deno.test("model: calls may overlap", async () => {
  await using model = await small();
  const alone = [
    await model.forward(IDS, { targets: TARGETS }),
    await model.forward([[5, 6]], { targets: [[6, 7]] }),
    await model.generate([[1], [2, 3]], { maxNewTokens: 6 }),
    await model.forward(IDS),
    await model.evaluate([1, 2, 3, 4, 5, 6, 7], { length: 3, batch: 2 }),
  ];
  const together = await Promise.all([
    model.forward(IDS, { targets: TARGETS }),
    model.forward([[5, 6]], { targets: [[6, 7]] }),
    model.generate([[1], [2, 3]], { maxNewTokens: 6 }),
    model.forward(IDS),
    model.evaluate([1, 2, 3, 4, 5, 6, 7], { length: 3, batch: 2 }),
  ]);
  assert.deepEqual(together, alone);
});

Deno.test("model: evaluate is the mean over windows, each without the one before", async () => {
  await using model = await small();
  const ids = [1, 5, 9, 13, 17, 21, 25],
    { loss, tokens, perplexity, bitsPerByte } = await model.evaluate(ids, { length: 4 });
  const first = await model.forward([[1, 5, 9, 13]], { targets: [[5, 9, 13, 17]] });
  const second = await model.forward([[17, 21]], { targets: [[21, 25]] });
  const expected = -[...first.logp, ...second.logp].reduce((sum, x) => sum + x, 0) / 6;
  assert.ok(Math.abs(loss - expected) < 1e-5, `${loss} in place of ${expected}`);
  assert.deepEqual([tokens, perplexity, bitsPerByte], [6, Math.exp(loss), NaN]);
  await assert.rejects(model.evaluate([1]), refused(/too short/));
  await assert.rejects(model.evaluate([1, 2], { length: 0 }), refused(/length/));
  await assert.rejects(model.evaluate("a text"), refused(/no tokenizer/));
});

Deno.test("model: with a tokenizer it continues and measures text", async () => {
  const text = "the sun came over the hill and the moon went home. ".repeat(40);
  const tokenizer = trainTokenizer(text, { vocabSize: 270 });
  await assert.rejects(Hymba.create(SIZES, { backend: "cpu", tokenizer }), refused(/ids that the model does not know/));
  await using model = await Hymba.create({ ...SIZES, vocabSize: tokenizer.vocabSize }, { backend: "cpu", tokenizer });
  const options = { maxNewTokens: 12, temperature: 0.7, seed: 2 }, all = await model.generate("the sun", options);
  let parts = "";
  for await (const part of model.generate("the sun", options)) parts += part;
  assert.ok(all.length > 0);
  assert.equal(parts, all);
  const stop = all.slice(3, 5);
  assert.equal(await model.generate("the sun", { ...options, stop }), all.slice(0, all.indexOf(stop)));
  const ofText = await model.evaluate("the sun came over"), ids = tokenizer.encode("the sun came over");
  const ofIds = await model.evaluate(ids);
  assert.equal(ofText.loss, ofIds.loss);
  const bytes = 17 - tokenizer.bytesOf(ids[0]!);
  assert.ok(Math.abs(ofText.bitsPerByte - ofText.loss * ofText.tokens / (bytes * Math.LN2)) < 1e-9);
  await assert.rejects(Promise.resolve(model.generate("")), refused(/prompt is empty/));
  await assert.rejects(Promise.resolve(model.generate("a", { stop: "" })), refused(/stop string is empty/));
});

Deno.test("model: weights go out and come back; those of another model leave the old ones", async () => {
  await using model = await small({ seed: 1 });
  await using other = await small({ seed: 2 });
  const bytes = await other.saveWeights();
  model.loadWeights(bytes);
  assert.deepEqual(await model.saveWeights(), bytes);
  await using wider = await Hymba.create({ ...SIZES, dModel: 32 }, { backend: "cpu" });
  const foreign = await wider.saveWeights();
  assert.throws(
    () => model.loadWeights(foreign, { name: "wide.bin" }),
    (error: unknown) => error instanceof HymbaError && /wide\.bin: tensor .* does not fit/.test(error.message),
  );
  assert.throws(() => model.loadWeights(bytes.slice(0, 100)), HymbaError);
  assert.deepEqual(await model.saveWeights(), bytes);
});

Deno.test("model: what does not fit is refused in words", async () => {
  await using model = await small();
  for (const ids of [[], [[]], [[1], []], [[60]], [[-1]], [[1.5]], [[NaN]]]) {
    await assert.rejects(model.forward(ids), refused(/ids do not fit/), JSON.stringify(ids));
    await assert.rejects(Promise.resolve(model.generate(ids)), refused(/ids do not fit/), JSON.stringify(ids));
  }
  await assert.rejects(model.forward([[1, 2], [3]]), refused(/different lengths/));
  await assert.rejects(model.forward([[1, 2]], { targets: [[1]] }), refused(/targets do not fit/));
  for (const options of [{ maxNewTokens: 0 }, { temperature: -1 }, { topP: 0 }, { minP: 2 }, { seed: 0.5 }]) {
    const generation = model.generate([[1]], options);
    await assert.rejects(Promise.resolve(generation), refused(/out of range/), JSON.stringify(options));
  }
  const stopped = model.generate([[1]], { signal: AbortSignal.abort() });
  await assert.rejects(Promise.resolve(stopped), /stopped while sampling/);
});

Deno.test("model: closing twice does nothing, and a closed model says so", async () => {
  const model = await small();
  await model.close();
  await model.close();
  await assert.rejects(model.forward(IDS), refused(/closed/));
  await assert.rejects(Promise.resolve(model.generate(IDS)), refused(/closed/));
  assert.throws(() => model.device, refused(/closed/));
});
