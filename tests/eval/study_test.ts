import { strict as assert } from "node:assert";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import type { MetricsLine } from "../../core/config/mod.ts";
import { type Disk, memoryDisk, sha256 } from "../../core/disk/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { loadRun } from "../../core/eval/run_folder.ts";
import { runStudy } from "../../core/eval/study.ts";
import { Interrupted } from "../../core/errors.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "./tiny_study.ts";

const corpus = madeUpCorpus(), FOLDER = "run";

/** A signal that asks to stop when it is looked at for the time after `looks`. */
function stoppingSignal(looks: number): AbortSignal {
  const { signal } = new AbortController();
  let asked = 0;
  Object.defineProperty(signal, "aborted", { get: () => ++asked > looks });
  return signal;
}

async function study(disk: Disk, { arms, signal }: { arms?: string[]; signal?: AbortSignal } = {}) {
  const executor = await CpuExecutor.create({ threads: 1 });
  const options = { executor, corpus, disk, folder: FOLDER, environment: ENVIRONMENT, signal };
  try {
    return await runStudy(tinyStudy({ arms }), options);
  } finally {
    await executor.close();
  }
}

/** Metrics without times: what must not depend on interruptions. */
const timeless = (metrics: readonly MetricsLine[]) =>
  metrics.map((line) => Object.fromEntries(Object.entries(line).filter(([name]) => !name.endsWith("_s"))));

async function weightHashes(disk: Disk, arms: readonly string[]): Promise<string[]> {
  const files = arms.flatMap((arm) =>
    ["pretraining", "orpo", "control"].map((stage) => `${FOLDER}/arms/${arm}-1/${stage}.safetensors`)
  );
  return await Promise.all(files.map(async (file) => sha256(await disk.read(file))));
}

Deno.test("a study of all five models ends with every stage measured, and a second one has the same bits", async () => {
  const first = memoryDisk(), second = memoryDisk();
  const run = await study(first), again = await study(second);
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
  assert.deepEqual(timeless(again.metrics), timeless(run.metrics));
  const arms = run.results.map(({ arm }) => arm);
  assert.deepEqual(await weightHashes(second, arms), await weightHashes(first, arms));
});

Deno.test("stopped at every step, batch of an evaluation and sampled token, a study ends with the straight run's weights and metrics", async () => {
  const arms = ["hymba"], straight = memoryDisk(), resumed = memoryDisk();
  const run = await study(straight, { arms });
  const stops: string[] = [];
  for (let looks = 2;;) {
    try {
      const end = await study(resumed, { arms, signal: stoppingSignal(looks) });
      assert.deepEqual(timeless(end.metrics), timeless(run.metrics));
      break;
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      const place = /stopped (\w+ step \d+) of \d+ \(hymba, (\w+)\)/.exec(error.message)?.slice(1).join(" ") ??
        error.message;
      looks = place === stops.at(-1) ? looks + 1 : 2;
      stops.push(place);
    }
  }
  for (const [stage, steps] of [["pretraining", 6], ["orpo", 3], ["control", 3]] as const) {
    for (let step = 1; step < steps; step++) {
      assert.ok(stops.includes(`at step ${step} ${stage}`), `no stop at ${step} of ${stage}`);
    }
    assert.ok(stops.includes(`evaluating step ${steps} ${stage}`), `no stop in the last evaluation of ${stage}`);
  }
  for (const work of ["evaluating", "sampling"]) {
    assert.ok(stops.some((stop) => stop.startsWith(`stopped while ${work}`)), `no stop while ${work}`);
  }
  assert.deepEqual(await weightHashes(resumed, arms), await weightHashes(straight, arms));
  const losses = async (disk: Disk) => (await loadRun(disk, FOLDER)).tokenLosses;
  assert.deepEqual(await losses(resumed), await losses(straight));
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
