import { strict as assert } from "node:assert";
import { onePiece } from "../../core/data/parts.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { studyOf } from "../../core/study_file/mod.ts";
import { type Disk, memoryDisk } from "../../core/disk/mod.ts";
import { Diverged } from "../../core/errors.ts";
import { runStudy } from "../../core/study/study.ts";
import { generate } from "../../core/infer/generate.ts";
import { evaluationPlan, Scorer } from "../../core/infer/scorer.ts";
import { ParameterStore } from "../../core/params/store.ts";
import { findings } from "../../core/report/findings.ts";
import { failuresOf } from "../../core/report/summary.ts";
import { smallModels } from "../train/models.ts";
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
      executor,
      disk,
      corpus: madeUpCorpus(),
      folder: "run",
      environment: ENVIRONMENT,
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

Deno.test("a recall probe that diverges is said with step, tensor and dispatch; the study and the other probes go on", async () => {
  const executor = await CpuExecutor.create({ threads: 1 }),
    failed: string[] = [],
    arms = ["mamba", "transformer-global"];
  const prepare = executor.prepare.bind(executor);
  let trainings = 0;
  executor.prepare = async (plan) => {
    const program = await prepare(plan), write = program.write.bind(program);
    // The first is the training of the arm, the second that of its probe.
    if (plan.name === "training mamba" && ++trainings === 2) {
      program.write = (tensor, data) =>
        write(tensor, tensor.name === "weight" ? Float32Array.from(data, () => NaN) : data);
    }
    return program;
  };
  const { recall } = studyOf("smoke", { models: arms });
  try {
    const run = await runStudy({ ...tinyStudy({ arms }), recall: { ...recall!, steps: 2 } }, {
      executor,
      disk: memoryDisk(),
      corpus: madeUpCorpus(),
      folder: "run",
      environment: ENVIRONMENT,
      probe: true,
      onEvent: ({ kind, message }) => void (kind === "failed" && failed.push(message!)),
    });
    assert.deepEqual(run.results.map(({ arm }) => arm), arms);
    assert.deepEqual(run.recall.map(({ arm }) => arm), ["transformer-global"]);
    assert.equal(failed.length, 1);
    assert.match(
      failed[0]!,
      /^recall: training diverged at step 1\n +got: +loss\[0\] = NaN, first written by nll_loss_forward/,
    );
    assert.ok(findings(run).includes("mamba, seed 1: the recall probe has no result."));
  } finally {
    await executor.close();
  }
});

Deno.test("weights that are not finite give no perplexity and no text, but words", async () => {
  const executor = await CpuExecutor.create({ threads: 1 }),
    [{ config }] = smallModels() as [ReturnType<typeof smallModels>[0]];
  const store = new ParameterStore(config), tokens = Uint32Array.from({ length: 20 }, (_, i) => i % config.vocabSize);
  try {
    store.initialise(executor, 1);
    const weights = await store.read(executor, "parameters");
    weights.embedding![3] = Infinity;
    store.write(executor, weights, "parameters");
    const scorer = await Scorer.create(executor, evaluationPlan(store, { B: 1, T: 8 }));
    await assert.rejects(scorer.tokenLogps(onePiece(tokens)), (error: Error) => {
      assert.ok(error instanceof Diverged);
      assert.match(
        error.message,
        /not a finite number\n +got: +.*first written by \w+ \(step \d+ of the plan, dispatch/,
      );
      return true;
    });
    scorer.dispose();
    const sampling = { prompts: [tokens.slice(0, 2)], newTokens: 2, temperature: 1, seed: 1 };
    await assert.rejects(generate(executor, store, sampling), /sampling: the model has numbers that are not finite/);
  } finally {
    await executor.close();
  }
});

Deno.test("a disk without room for a checkpoint is refused before the first step", async () => {
  const executor = await CpuExecutor.create({ threads: 1 }), steps: number[] = [];
  try {
    const running = runStudy(tinyStudy({ arms: ["mamba"] }), {
      executor,
      disk: memoryDisk({ freeSpace: 2 ** 20 + 100 }),
      corpus: madeUpCorpus(),
      folder: "run",
      environment: ENVIRONMENT,
      onEvent: ({ kind, step }) => void (kind === "step" && steps.push(step)),
    });
    await assert.rejects(running, /not enough free space/);
    assert.deepEqual(steps, []);
  } finally {
    await executor.close();
  }
});
