import { strict as assert } from "node:assert";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { type Disk, memoryDisk } from "../../core/disk/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { runStudy } from "../../core/study/study.ts";
import { fingerprint } from "./fingerprint.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "./tiny_study.ts";

const corpus = madeUpCorpus(), FOLDER = "run";

async function study(disk: Disk, { arms, mainArm }: { arms?: string[]; mainArm?: string } = {}) {
  const executor = await CpuExecutor.create({ threads: 1 });
  const options = { executor, corpus, disk, folder: FOLDER, environment: ENVIRONMENT };
  try {
    return await runStudy({ ...tinyStudy({ arms }), ...(mainArm && { mainArm }) }, options);
  } finally {
    await executor.close();
  }
}

Deno.test("a study of all five models ends with every stage measured, and a second one has the same bits", async () => {
  const first = memoryDisk(), second = memoryDisk();
  const run = await study(first);
  await study(second);
  assert.equal(run.results.length, 5);
  for (const { arm, stages, samples, parameters } of run.results) {
    assert.ok(parameters > 1000);
    assert.deepEqual(Object.keys(stages), ["pretraining", "orpo", "control"], arm);
    for (const stage of Object.values(stages)) {
      assert.ok(Number.isFinite(stage.final.loss) && stage.best.loss <= stage.final.loss, arm);
      assert.ok(Math.abs(Math.exp(stage.final.loss) - stage.final.perplexity) < 1e-9);
    }
    const { before, after } = stages.orpo!.preference!;
    assert.ok(before.step === 0 && after.step === 3 && before.accuracy >= 0 && after.accuracy <= 1);
    assert.equal(samples.length, 6);
  }
  for (const { arm, stage, nats } of run.tokenLosses) {
    const { final } = run.results.find((result) => result.arm === arm)!.stages[stage]!;
    assert.equal(nats.length, run.record.data.evaluatedTokens);
    assert.ok(Math.abs(nats.reduce((sum, x) => sum + x, 0) / nats.length - final.loss) < 1e-6, `${arm} ${stage}`);
  }
  assert.equal(run.tokenLosses.length, 5 * 3);
  assert.equal(run.attention.pretraining?.length, 4);
  for (const { probabilities, positions } of run.attention.orpo!) {
    for (let row = 0; row < positions; row++) {
      const sum = probabilities.subarray(row * positions, (row + 1) * positions).reduce((a, b) => a + b, 0);
      assert.ok(Math.abs(sum - 1) < 1e-4, `row ${row} sums to ${sum}`);
    }
  }
  assert.deepEqual(await fingerprint(second, FOLDER), await fingerprint(first, FOLDER));
});

Deno.test("attention is drawn of the arm that the study names; without hymba and without a name, of none", async () => {
  const arms = ["mamba", "transformer-global"], named = await study(memoryDisk(), { arms, mainArm: arms[1] });
  assert.equal(named.record.study.mainArm, arms[1]);
  assert.deepEqual(Object.keys(named.attention), ["pretraining", "orpo", "control"]);
  assert.deepEqual((await study(memoryDisk(), { arms })).attention, {});
});

Deno.test("a study of which one stage of one arm does not fit is refused with numbers before anything is trained", async () => {
  const disk = memoryDisk(), executor = await CpuExecutor.create({ threads: 1 }), used = executor.heap.usedBytes;
  const small = tinyStudy(), large = { ...small, orpo: { ...small.orpo, batch: 1_000_000 } };
  try {
    const options = { executor, corpus, disk, folder: FOLDER, environment: ENVIRONMENT };
    await assert.rejects(runStudy(large, options), (error: Error) => {
      assert.match(error.message, /^hymba, orpo: not enough memory/);
      assert.match(error.message, /expected: at most \d{10} bytes[^]*got: +\d{10,} bytes/);
      return true;
    });
    assert.equal(executor.heap.usedBytes, used);
    assert.equal(await disk.stat(FOLDER), undefined);
  } finally {
    await executor.close();
  }
});

Deno.test("a folder that holds another study is refused with the difference", async () => {
  const disk = memoryDisk();
  await study(disk, { arms: ["mamba"] });
  await assert.rejects(study(disk, { arms: ["hymba"] }), (error: UsageError) => {
    assert.ok(error instanceof UsageError);
    assert.match(error.message, /another study[^]*study\.arms\.0\.name: mamba there, hymba now/);
    return true;
  });
});
