import { strict as assert } from "node:assert";
import type { ActivationConfig } from "../../core/config/mod.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { Diverged, Interrupted } from "../../core/errors.ts";
import { ParameterStore } from "../../core/params/store.ts";
import { randomInteger } from "../../core/random.ts";
import { textObjective } from "../../core/train/objective.ts";
import { trainingPlan } from "../../core/train/plans.ts";
import { Trainer, type TrainerState, type TrainingStep } from "../../core/train/trainer.ts";
import { smallModels } from "./models.ts";

const B = 2, T = 11, SCHEDULE = { rate: 1e-2, warmup: 3, steps: 25 }, { config } = smallModels()[0]!;

/** Tokens of an update; from `nanFrom` on their weights are NaN. */
function batchAt(step: number, nanFrom: number) {
  const tokens = Uint32Array.from(
    { length: B * (T + 1) },
    (_, i) => randomInteger({ seed: 3, stream: 100, step }, i, config.vocabSize),
  );
  const weight = new Float32Array(B * T).fill(step < nanFrom ? 1 : NaN);
  return { ids: tokens.slice(0, B * T), targets: tokens.slice(B), weight };
}

async function withTrainer<Result>(
  use: (trainer: Trainer) => Promise<Result>,
  { nanFrom = Infinity, rewinds = false, ...activations }: ActivationConfig & { nanFrom?: number; rewinds?: boolean } =
    {},
): Promise<Result> {
  const executor = await CpuExecutor.create({ threads: 1 }), store = new ParameterStore(config);
  store.initialise(executor, 1);
  const made = trainingPlan(store, { B, T, decay: 0.1, ...activations });
  const objective = textObjective(made, { at: (step) => batchAt(step, nanFrom) });
  const rewind = (trainer: Trainer) => {
    store.initialise(executor, 1);
    trainer.restart();
  };
  const options = { name: "test", objective, schedule: SCHEDULE, rewind: rewinds ? rewind : undefined };
  const trainer = await Trainer.create(executor, store, options);
  try {
    return await use(trainer);
  } finally {
    trainer.dispose();
    await executor.close();
  }
}

/** Steps without measured times. */
async function stepsOf(trainer: Trainer, options: Parameters<Trainer["run"]>[0] = {}) {
  const steps: Omit<TrainingStep, "seconds" | "tokens_per_s">[] = [];
  for await (const { seconds: _, tokens_per_s: __, ...step } of trainer.run(options)) steps.push(step);
  return steps;
}

Deno.test("a trainer yields every update once, in order, and pauses where it was asked to", async () => {
  await withTrainer(async (trainer) => {
    const ahead: number[] = [], paused: number[] = [], seen: number[] = [];
    for await (const { step, loss, paused: rests } of trainer.run({ pauseEvery: 4 })) {
      assert.ok(Number.isFinite(loss));
      seen.push(step);
      if (trainer.step > step) ahead.push(step);
      if (!rests) continue;
      assert.equal(trainer.step, step);
      paused.push(step);
    }
    assert.deepEqual(seen, Array.from({ length: 25 }, (_, i) => i + 1));
    assert.deepEqual(paused, [4, 8, 12, 16, 20, 24, 25]);
    assert.ok(ahead.length > 0, "updates are queued together");
    assert.deepEqual(await stepsOf(trainer), [], "nothing is left");
  });
});

for (const precision of [undefined, "f16"] as const) {
  Deno.test(`${precision ?? "f32"}: stopped, restored elsewhere and gone on, a training has the bits of a straight one`, async () => {
    const straight = await withTrainer(async (trainer) => ({
      steps: await stepsOf(trainer),
      end: await trainer.snapshot(),
    }), { precision });
    const stop = new AbortController(), steps: typeof straight.steps = [];
    const half = await withTrainer(async (trainer): Promise<TrainerState> => {
      const stopped = (async () => {
        for await (const { seconds: _, tokens_per_s: __, ...step } of trainer.run({ signal: stop.signal })) {
          steps.push(step);
          stop.abort();
        }
      })();
      await assert.rejects(
        stopped,
        (error) => error instanceof Interrupted && /stopped at step 10 of 25/.test(error.message),
      );
      return await trainer.snapshot();
    }, { precision });
    assert.equal(half.step, 10);
    assert.equal(half.lossScale !== undefined, precision === "f16");
    const end = await withTrainer(async (trainer) => {
      trainer.restore(half);
      steps.push(...await stepsOf(trainer));
      return await trainer.snapshot();
    }, { precision });
    assert.deepEqual(steps, straight.steps);
    assert.deepEqual(end, straight.end);
  });
}

Deno.test("f16: a state without its loss scale is refused", async () => {
  const plain = await withTrainer((trainer) => trainer.snapshot());
  await withTrainer((trainer) => {
    assert.throws(() => trainer.restore(plain), /test: the state of step 0 has no loss scale/);
    return Promise.resolve();
  }, { precision: "f16" });
});

Deno.test("NaN ends a training with its step; where the start can be put back, with the tensor too", async () => {
  const failure = (rewinds: boolean) =>
    withTrainer(async (trainer) => {
      const steps: number[] = [];
      const error: unknown = await (async () => {
        for await (const { step } of trainer.run()) steps.push(step);
      })().then(() => undefined, (error) => error);
      assert.ok(error instanceof Diverged);
      assert.deepEqual(steps, [1, 2, 3, 4, 5, 6], "the updates before are told of");
      return error.message;
    }, { nanFrom: 7, rewinds });
  assert.match(await failure(false), /^test: training diverged at step 7\n +got: +a loss or gradient norm that is not/);
  assert.match(
    await failure(true),
    /^test: training diverged at step 7\n +got: +loss\[0\] = NaN, first written by nll_/,
  );
});
