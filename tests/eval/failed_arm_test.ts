import { strict as assert } from "node:assert";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { type Disk, memoryDisk } from "../../core/disk/mod.ts";
import { runStudy } from "../../core/eval/study.ts";
import { failuresOf } from "../../core/report/summary.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "./tiny_study.ts";

const ARMS = ["mamba", "transformer-global", "hymba"];

/** Runs a study in which the first arm's metrics turn into NaN at an update of its first stage. */
async function studyWithNaN(disk: Disk, { at }: { at: number }) {
  const executor = await CpuExecutor.create({ threads: 1 }), told: string[] = [];
  let poisoned = false, seen = 0;
  const prepare = executor.prepare.bind(executor);
  executor.prepare = async (plan) => {
    const program = await prepare(plan), drain = program.drainMetrics.bind(program);
    program.drainMetrics = async () => {
      const runs = await drain();
      for (const values of runs) if (poisoned && ++seen === at) values.fill(NaN);
      return runs;
    };
    return program;
  };
  try {
    const run = await runStudy(tinyStudy({ arms: ARMS }), {
      ...{ executor, disk, corpus: madeUpCorpus(), folder: "run", environment: ENVIRONMENT },
      onEvent: ({ kind, arm, stage, message }) => {
        if (kind === "stage") poisoned = arm === ARMS[0] && stage === "pretraining";
        if (kind === "step") told.push(arm);
        if (kind === "failed") told.push(`${arm}: ${message}`);
      },
    });
    return { run, told };
  } finally {
    await executor.close();
  }
}

for (const at of [2, 5]) {
  Deno.test(`an arm that diverges at update ${at} costs no line of the others when the same call is given again`, async () => {
    const disk = memoryDisk(), first = await studyWithNaN(disk, { at }), again = await studyWithNaN(disk, { at });
    assert.deepEqual(first.run.results.map(({ arm }) => arm), ARMS.slice(1));
    assert.ok(first.run.metrics.some(({ arm, kind }) => arm === "hymba" && kind === "evaluation"));
    assert.deepEqual(again.run.metrics, first.run.metrics);
    assert.deepEqual(again.run.results, first.run.results);
    const failures = failuresOf(again.run);
    assert.equal(failures.length, 1);
    assert.match(failures[0]!.reason, new RegExp(`diverged at step ${at}`));
    assert.deepEqual(again.told, [`mamba: ${failures[0]!.reason}`], "nothing is trained again");
  });
}

Deno.test("a disk without room for a checkpoint is refused before the first step", async () => {
  const executor = await CpuExecutor.create({ threads: 1 }), steps: number[] = [];
  try {
    const running = runStudy(tinyStudy({ arms: ["mamba"] }), {
      ...{ executor, disk: memoryDisk({ freeSpace: 2 ** 20 + 100 }), corpus: madeUpCorpus() },
      ...{ folder: "run", environment: ENVIRONMENT },
      onEvent: ({ kind, step }) => void (kind === "step" && steps.push(step)),
    });
    await assert.rejects(running, /not enough free space/);
    assert.deepEqual(steps, []);
  } finally {
    await executor.close();
  }
});
