import { strict as assert } from "node:assert";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { checkGradients } from "../../core/proof/causality_gradient.ts";
import { checkCausality } from "../../core/proof/causality.ts";
import { edges, requireCausal } from "../../core/proof/require_causal.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { runStudy } from "../../core/study/study.ts";
import { HymbaError } from "../../core/errors.ts";
import { at } from "../../core/lists.ts";
import type { Executor } from "../../core/plan/mod.ts";
import { SMALL, smallModels } from "../train/models.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "../study/tiny_study.ts";
import { LeakingExecutor } from "./leaking_executor.ts";

/** Lengths around the window W = 5, the meta tokens M = 3, and their sum. */
const LENGTHS = [4, 5, 6, 9, 13];
const V = SMALL.vocabSize;

async function withExecutor(use: (executor: Executor) => Promise<void>): Promise<void> {
  const executor = await CpuExecutor.create({ threads: 1 });
  try {
    await use(executor);
  } finally {
    await executor.close();
  }
}

Deno.test("all models are causal by perturbation and by gradient, at lengths around window and meta tokens", async () => {
  await withExecutor(async (executor) => {
    for (const { name, config } of smallModels()) {
      for (const T of LENGTHS) {
        const perturbed = await checkCausality(executor, { name, config, T });
        assert.deepEqual(perturbed, { arm: name, T, tested: T - 1, leaks: [] });
        assert.deepEqual(await checkGradients(executor, { name, config, T }), { arm: name, T, tested: T, leaks: [] });
      }
    }
  });
});

Deno.test("a model that sees one token ahead at one position: both checks find exactly this pair", async () => {
  await withExecutor(async (honest) => {
    for (const { name, config } of smallModels()) {
      for (const position of [0, 4, 7]) {
        const executor = new LeakingExecutor(honest, { position, V }), T = 9;
        const { leaks } = await checkCausality(executor, { name, config, T });
        assert.deepEqual(leaks, [{ changed: position + 1, seen: position }], name);
        const gradients = await checkGradients(executor, { name, config, T });
        assert.deepEqual(gradients.leaks, [{ logits: position, embedding: position + 1 }], name);
      }
    }
  });
});

Deno.test("both checks run before a run, at its length and at the edges of window and meta tokens", async () => {
  const { config } = at(smallModels(), -1);
  assert.deepEqual(edges(config, 16), [0, 4, 5, 7, 8, 14]);
  assert.deepEqual(edges(config, 6), [0, 4]);
  await withExecutor(async (honest) => {
    for (const arm of smallModels()) await requireCausal(honest, { ...arm, T: 16 });
    for (const through of ["values", "gradient"] as const) {
      for (const position of [0, SMALL.swaWindow - 1, 14]) {
        const executor = new LeakingExecutor(honest, { position, V, through });
        await assert.rejects(requireCausal(executor, { ...at(smallModels(), 0), T: 16 }), (error: HymbaError) => {
          assert.ok(error instanceof HymbaError);
          assert.match(error.message, /sees its future: the run does not start/);
          assert.match(error.message, through === "values" ? /other bits/ : /exactly zero/);
          return true;
        });
      }
    }
  });
});

Deno.test("a run with a model that sees its future writes no weights, no metrics and no artifact", async () => {
  const folder = await Deno.makeTempDir(), study = tinyStudy({ arms: ["hymba"] });
  await withExecutor(async (honest) => {
    const executor = new LeakingExecutor(honest, {
      position: SMALL.swaWindow,
      V: study.vocabSize,
      through: "gradient",
    });
    const options = { executor, corpus: madeUpCorpus(), disk: systemDisk, folder, environment: ENVIRONMENT };
    await assert.rejects(runStudy(study, options), /hymba sees its future: the run does not start/);
  });
  const written = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  assert.deepEqual(
    written.filter((name) => !["lock", "run.json", "tokenizer.model", "tokenizer.json"].includes(name)),
    [],
  );
  await Deno.remove(folder, { recursive: true });
});
