/** Training with the library: it learns, stops, continues from a checkpoint with the same bits, and refuses what does not fit. */
import assert from "node:assert/strict";
import { type Hymba, loadCheckpoint, saveCheckpoint, Trainer, type TrainerOptions, UsageError } from "../../mod.ts";
import { inFolder, small, tokens } from "./small.ts";

const OPTIONS = { tokens, steps: 8, batch: 4, length: 24, rate: 1e-2 } satisfies TrainerOptions;
const refused = (words: RegExp) => (error: unknown) => error instanceof UsageError && words.test(error.message);

/** Losses of the remaining steps, at most `most`. */
async function losses(trainer: Trainer, { most = Infinity, queue = 1 } = {}): Promise<number[]> {
  const found: number[] = [];
  for await (const { loss } of trainer.run({ queue })) {
    found.push(loss);
    if (found.length >= most) break;
  }
  return found;
}

async function trained(options: TrainerOptions, how = {}): Promise<{ losses: number[]; weights: Uint8Array }> {
  await using model = await small();
  await using trainer = await Trainer.create(model, options);
  return { losses: await losses(trainer, how), weights: await model.saveWeights() };
}

Deno.test("trainer: it learns, and the same again gives the same bits, however steps are queued", async () => {
  const once = await trained(OPTIONS), again = await trained(OPTIONS), queued = await trained(OPTIONS, { queue: 5 });
  assert.equal(once.losses.length, 8);
  assert.ok(once.losses[7]! < once.losses[0]! - 0.2, String(once.losses));
  assert.deepEqual(again, once);
  assert.deepEqual(queued, once);
  assert.notDeepEqual((await trained({ ...OPTIONS, seed: 2 })).losses, once.losses);
});

Deno.test("trainer: with a queue of 1 the model is that of the step, also for text that it generates meanwhile", async () => {
  await using model = await small();
  await using trainer = await Trainer.create(model, { ...OPTIONS, steps: 3 });
  const seen: number[] = [];
  for await (const { step } of trainer.run()) {
    assert.equal(trainer.step, step);
    const { loss } = await model.evaluate(tokens.slice(0, 200), { length: 24 });
    seen.push(loss);
    await model.generate([[1, 2, 3]], { maxNewTokens: 2 });
  }
  assert.ok(seen[2]! < seen[0]!, String(seen));
  assert.equal((await trained({ ...OPTIONS, steps: 3 })).losses.length, 3);
});

/** What a model generates greedily: its caches must not outlive its weights. */
const greedy = (model: Hymba) => model.generate([[1, 2, 3]], { maxNewTokens: 12, temperature: 0 });

Deno.test("trainer: a stop and a checkpoint in between change no bit", () =>
  inFolder(async (folder) => {
    const straight = await trained(OPTIONS), first: number[] = [], after: number[] = [];
    {
      await using model = await small();
      await using trainer = await Trainer.create(model, OPTIONS);
      first.push(...await losses(trainer, { most: 3 }));
      assert.match(await saveCheckpoint(trainer, folder, { score: 5 }), /checkpoint-000001$/);
    }
    const checkpoint = await loadCheckpoint(folder);
    assert.ok(checkpoint);
    assert.deepEqual([checkpoint.step, checkpoint.score, checkpoint.config.dModel], [3, 5, 16]);
    await using model = await small({ seed: 99 });
    await greedy(model);
    await using trainer = await Trainer.create(model, OPTIONS);
    trainer.restore(checkpoint);
    after.push(...await losses(trainer));
    assert.deepEqual({ losses: [...first, ...after], weights: await model.saveWeights() }, straight);
    await using fresh = await small({ seed: 99 });
    fresh.loadWeights(await model.saveWeights());
    assert.deepEqual(await greedy(model), await greedy(fresh));
  }));

Deno.test("trainer: a signal stops it with Interrupted, and a later run continues", async () => {
  const straight = await trained(OPTIONS);
  await using model = await small();
  await using trainer = await Trainer.create(model, OPTIONS);
  const stop = new AbortController(), found: number[] = [];
  await assert.rejects(async () => {
    for await (const { step, loss } of trainer.run({ signal: stop.signal })) {
      found.push(loss);
      if (step === 2) stop.abort();
    }
  }, /Interrupted|stopped at step 2 of 8/);
  found.push(...await losses(trainer));
  assert.deepEqual({ losses: found, weights: await model.saveWeights() }, straight);
});

Deno.test("trainer: pairs teach to prefer the chosen continuation", async () => {
  await using model = await small();
  const pairs = Array.from(
    { length: 6 },
    (_, i) => ({ prompt: [i, i + 1], chosen: [7, 8, 9], rejected: [30, 31, 32] }),
  );
  await using trainer = await Trainer.create(model, { pairs, steps: 25, batch: 3, rate: 1e-2, beta: 0.5 });
  let last: number | undefined;
  for await (const { accuracy } of trainer.run()) last = accuracy;
  assert.equal(last, 1);
});

Deno.test("trainer: every option that does not fit is refused by its name", async () => {
  await using model = await small();
  const pair = { prompt: [1], chosen: [2, 3], rejected: [4, 5] };
  const cases: readonly (readonly [TrainerOptions, RegExp])[] = [
    [{}, /data is not clear/],
    [{ tokens, pairs: [pair] }, /data is not clear/],
    [{ text: "abc" }, /no tokenizer/],
    [{ tokens: tokens.slice(0, 100) }, /text is too short/],
    [{ tokens: [...tokens, 60] }, /60 at 1500/],
    [{ tokens, steps: 0 }, /steps/],
    [{ tokens, batch: 1.5 }, /batch/],
    [{ tokens, length: -3 }, /length/],
    [{ tokens, batch: 4, accumulate: 3 }, /accumulate/],
    [{ tokens, rate: NaN }, /rate/],
    [{ tokens, steps: 5, warmup: 6 }, /warmup/],
    [{ tokens, decay: -1 }, /decay/],
    [{ tokens, seed: 0.5 }, /seed/],
    [{ pairs: [], beta: 0.1 }, /pairs do not fit/],
    [{ pairs: [pair, { ...pair, prompt: [1, 2] }] }, /pairs do not fit/],
    [{ pairs: [{ ...pair, rejected: [4] }] }, /pairs do not fit/],
    [{ pairs: [{ ...pair, chosen: [2, 60] }] }, /60 at 1/],
  ];
  for (const [options, words] of cases) {
    await assert.rejects(Trainer.create(model, options), refused(words), JSON.stringify(options).slice(0, 80));
  }
  await using trainer = await Trainer.create(model, { ...OPTIONS, steps: 2 });
  await assert.rejects(losses(trainer, { queue: 0 }), refused(/queue/));
  const running = trainer.run();
  await running.next();
  await assert.rejects(losses(trainer), refused(/runs already/));
  await running.return();
  assert.equal((await losses(trainer)).length, 1);
});
