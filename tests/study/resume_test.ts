import { strict as assert } from "node:assert";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { memoryDisk } from "../../core/disk/mod.ts";
import type { StudyEvent } from "../../core/study/arm_run.ts";
import { runStudy } from "../../core/study/study.ts";
import { smallModels } from "../train/models.ts";
import { fingerprint } from "./fingerprint.ts";
import { requireEveryPlace, stopEverywhere } from "./resume.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "./tiny_study.ts";
import { thorough } from "../thorough.ts";

for (const { name } of smallModels()) {
  thorough(
    `${name}, stopped at every step, batch of an evaluation and sampled token, ends with the straight run's bits`,
    async () => {
      const found = await stopEverywhere(name, { stride: 20 });
      requireEveryPlace(found);
      assert.equal(found.same, found.resumed);
      assert.ok(found.resumed >= 3, `${found.resumed}`);
    },
    { unless: name === "hymba" },
  );
}

Deno.test("more or fewer checkpoints than evaluations do not change a bit, and a stage continues from one between evaluations", async () => {
  const weights = async (checkpointEvery: number | undefined, { stopAt }: { stopAt?: number } = {}) => {
    const disk = memoryDisk(), study = tinyStudy({ arms: ["mamba"] }), stopping = new AbortController();
    const changed = {
      ...study,
      pretraining: { ...study.pretraining, schedule: "wsd" as const, cooldown: 0.5, checkpointEvery },
    };
    const run = async (signal?: AbortSignal) => {
      const executor = await CpuExecutor.create({ threads: 1 });
      const onEvent = ({ kind, step }: StudyEvent) => void (kind === "saved" && step === stopAt && stopping.abort());
      const options = {
        executor,
        corpus: madeUpCorpus(),
        disk,
        folder: "run",
        environment: ENVIRONMENT,
        signal,
        onEvent,
      };
      await runStudy(changed, options).finally(() => executor.close());
    };
    if (stopAt !== undefined) await assert.rejects(run(stopping.signal), /everything is saved/);
    await run();
    return await fingerprint(disk, "run");
  };
  const usual = await weights(undefined),
    trained = (found: Awaited<ReturnType<typeof weights>>) =>
      Object.entries(found).filter(([name]) => /weights|moments|metrics/.test(name));
  assert.ok(trained(usual).length > 3);
  assert.deepEqual(trained(await weights(1)), trained(usual));
  assert.deepEqual(trained(await weights(3, { stopAt: 3 })), trained(usual));
  assert.deepEqual(trained(await weights(6)), trained(usual));
});

Deno.test("runs of two seeds share only their inputs", async () => {
  const of = async (seed: number) => {
    const disk = memoryDisk(), executor = await CpuExecutor.create({ threads: 1 });
    const options = { executor, corpus: madeUpCorpus(), disk, folder: "run", environment: ENVIRONMENT };
    await runStudy(tinyStudy({ arms: ["mamba"], seeds: [seed] }), options).finally(() => executor.close());
    const found = Object.entries(await fingerprint(disk, "run"));
    return Object.fromEntries(found.map(([what, value]) => [what.replace(/^mamba \d+ /, ""), value]));
  };
  const first = await of(1), second = await of(2), names = Object.keys(first);
  assert.deepEqual(Object.keys(second), names);
  assert.deepEqual(names.filter((name) => first[name] === second[name]), ["recall"]);
  for (const group of ["weights", "first_moments", "second_moments"]) {
    for (const stage of ["pretraining", "orpo", "control"]) assert.ok(names.includes(`checkpoint ${stage} ${group}`));
  }
});
