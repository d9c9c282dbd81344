/** The test part of a study: read once when all training is done, resumable, and every reading on a list. */
import { strict as assert } from "node:assert";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { type Disk, memoryDisk, removeAtomic } from "../../core/disk/mod.ts";
import { csvOf } from "../../core/report/csv.ts";
import { metricsText } from "../../core/report/metrics.ts";
import { runStudy } from "../../core/study/study.ts";
import { fingerprint } from "./fingerprint.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "./tiny_study.ts";

const corpus = madeUpCorpus(), FOLDER = "run";
const STUDY = {
  ...tinyStudy({ arms: ["mamba", "hymba"] }),
  trainFraction: 0.8,
  split: { kind: "interleaved", testFraction: 0.1, blockCharacters: 600, gapCharacters: 30 } as const,
};

async function run(disk: Disk, { test, limit = Infinity }: { test: boolean; limit?: number }) {
  const executor = await CpuExecutor.create({ threads: 1 }), stop = new AbortController();
  let models = 0;
  const onEvent = ({ kind }: { kind: string }) => {
    if (kind === "test" && ++models > limit) stop.abort();
  };
  try {
    return await runStudy(STUDY, {
      ...{ executor, corpus, disk, folder: FOLDER, environment: ENVIRONMENT, test, onEvent, signal: stop.signal },
    });
  } finally {
    await executor.close();
  }
}

Deno.test("the test part is read once after all training, and shows beside validation", async (t) => {
  const disk = memoryDisk(), first = await run(disk, { test: false });
  assert.equal(first.test, undefined);
  assert.ok(!csvOf(first).includes("_test_"));
  const trained = await fingerprint(disk, FOLDER);

  await t.step(
    "a call that is stopped between two models leaves one result, and the next reads only the other",
    async () => {
      await assert.rejects(run(disk, { test: true, limit: 1 }), /stopped/);
      const done = await run(disk, { test: true }), { results, readings, losses, baselines } = done.test!;
      assert.deepEqual(readings.map(({ by, models }) => [by, models.map(({ arm }) => arm)]), [
        ["study", ["mamba", "hymba"]],
        ["study", ["hymba"]],
      ]);
      assert.equal(results.length, 2);
      assert.equal(losses.length, 2 * 3);
      for (const { arm, stage, nats } of losses) {
        const { loss } = results.find((result) => result.arm === arm)!.stages[stage]!;
        assert.equal(nats.length, done.record.data.testTokens);
        assert.ok(Math.abs(nats.reduce((sum, x) => sum + x, 0) / nats.length - loss) < 1e-6);
      }
      assert.ok(baselines!.unigram.loss > baselines!.bigram.loss);
      assert.match(
        metricsText(done),
        /QUALITY ON THE TEST PART AFTER PRETRAINING[^]*in 2 goes, because it was interrupted,/,
      );
      assert.match(metricsText(done), /Test perplexity after the last stage, lowest first: /);
      const [head, row] = csvOf(done).split("\n").map((line) => line.split(","));
      const column = head!.indexOf("pretrain_test_loss_nats");
      assert.equal(Number(row![column]), results[0]!.stages.pretraining!.loss);
    },
  );

  await t.step("another call reads nothing, and training is as it was", async () => {
    assert.equal((await run(disk, { test: true })).test!.readings.length, 2);
    const now = await fingerprint(disk, FOLDER);
    for (const [name, value] of Object.entries(trained)) assert.equal(now[name], value, name);
  });

  await t.step("without interruption the results have the same bits", async () => {
    const other = memoryDisk(), { test } = await run(other, { test: true });
    assert.equal(test!.readings.length, 1);
    assert.deepEqual(await fingerprint(other, FOLDER), await fingerprint(disk, FOLDER));
    await removeAtomic(other, `${FOLDER}/arms/mamba-1/test-losses-orpo.safetensors`);
    await assert.rejects(run(other, { test: true }), /test-losses-orpo/);
  });
});
