import { strict as assert } from "node:assert";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { memoryReport } from "../../core/bench/memory.ts";
import { resolvedStudy } from "../../core/study/match.ts";
import { ParameterStore } from "../../core/params/store.ts";
import type { Executor } from "../../core/plan/mod.ts";
import { randomInteger } from "../../core/random.ts";
import { preferencePlan, trainingPlan } from "../../core/train/plans.ts";
import { ADAMW, scheduleVector } from "../../core/train/schedule.ts";
import { executors } from "../ops/executors.ts";
import { type SmallModel, smallModels } from "./models.ts";

const B = 2, T = 11;

const PLANS = {
  training: (store: ParameterStore, remat: boolean) => ({
    ...trainingPlan(store, { B, T, decay: 0.1, remat }),
    completion: undefined,
  }),
  preference: (store: ParameterStore, remat: boolean) =>
    preferencePlan(store, { n: B / 2, T, decay: 0.1, beta: 0.1, remat }),
};

/** Metrics, gradients and updated parameters after one step. */
async function oneStep(
  executor: Executor,
  { config }: SmallModel,
  { kind, remat }: { kind: keyof typeof PLANS; remat: boolean },
) {
  const store = new ParameterStore(config);
  store.initialise(executor, 1);
  const made = PLANS[kind](store, remat), program = await executor.prepare(made.plan);
  const counter = { seed: 3, stream: 100, step: 0 };
  const ids = Uint32Array.from({ length: B * (T + 1) }, (_, i) => randomInteger(counter, i, config.vocabSize));
  const ones = new Float32Array(B * T).fill(1);
  program.write(made.ids, ids.slice(0, B * T));
  program.write(made.targets, ids.slice(B));
  program.write(made.weight, ones);
  if (made.completion) program.write(made.completion, ones);
  program.write(made.schedule, scheduleVector(1, { ...ADAMW, rate: 1e-3 }));
  await program.run();
  const metrics = (await program.drainMetrics())[0]!;
  const [gradients, parameters] = [await store.read(executor, "gradients"), await store.read(executor)];
  program.dispose();
  store.release(executor);
  return { metrics, gradients, parameters };
}

for (const model of smallModels()) {
  Deno.test(`${model.name}: layers computed again give the same bits`, async () => {
    for (const executor of await executors()) {
      for (const kind of ["training", "preference"] as const) {
        const [kept, again] = [
          await oneStep(executor, model, { kind, remat: false }),
          await oneStep(executor, model, { kind, remat: true }),
        ];
        assert.ok(kept.metrics.every(Number.isFinite) && kept.metrics.some((x) => x !== 0));
        assert.deepEqual(again, kept, `${executor.name}, ${kind}`);
      }
    }
  });
}

Deno.test("paper: the planned memory is close to the minimum; recomputed layers keep far less", async () => {
  const executor = await CpuExecutor.create({ threads: 1 });
  try {
    const { arms, pretraining: { batch: B }, sequenceLength: T } = resolvedStudy("paper");
    for (const arm of arms) {
      const [kept, again] = [false, true].map((remat) => memoryReport(executor, arm, { B, T, remat }));
      const activations = (report = kept!) => report.saved_bytes + report.transient_bytes;
      assert.ok(kept!.ratio > 1 && kept!.ratio <= 1.15, `${arm.name}: ${kept!.ratio} times the least`);
      assert.ok(activations(again) <= 0.6 * activations(), `${arm.name}: ${activations(again)} of ${activations()}`);
    }
  } finally {
    await executor.close();
  }
});
