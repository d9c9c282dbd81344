/** Gradient accumulation: the batches and the sums of one large batch, on every executor, to within the order of sums. */
import { strict as assert } from "node:assert";
import { type Batch, BatchOrder } from "../../core/data/batches.ts";
import { onePiece } from "../../core/data/parts.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { memoryDisk } from "../../core/disk/mod.ts";
import { Diverged } from "../../core/errors.ts";
import { ParameterStore } from "../../core/params/store.ts";
import { type Executor, ReferenceExecutor } from "../../core/plan/mod.ts";
import { randomInteger } from "../../core/random.ts";
import { runStudy } from "../../core/study/study.ts";
import { resolveSources } from "../../core/study_file/mod.ts";
import { type Measures, type Objective, preferenceObjective, textObjective } from "../../core/train/objective.ts";
import { preferencePlan, trainingPlan } from "../../core/train/plans.ts";
import { Trainer } from "../../core/train/trainer.ts";
import { executors } from "../ops/executors.ts";
import { relativeError } from "../ops/harness.ts";
import { fingerprint } from "../study/fingerprint.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "../study/tiny_study.ts";
import { smallModels } from "./models.ts";

const B = 4, T = 11, { config } = smallModels().find(({ name }) => name === "hymba")!;
const tokens = Uint32Array.from(
  { length: 500 },
  (_, i) => randomInteger({ seed: 2, stream: 100, step: 0 }, i, config.vocabSize),
);

interface How {
  readonly accumulate: number;
  /** Preference pairs instead of text. */
  readonly pairs?: boolean;
  readonly precision?: "f16";
  readonly steps?: number;
  /** Stops after a number of updates, and continues in a new trainer from its snapshot. */
  readonly stopAfter?: number;
  readonly spoil?: (batch: Batch, number: number) => void;
}

/** Pairs of six tokens and another six. */
const PAIRS = Array.from({ length: 9 }, (_, i) => ({
  prompt: tokens.slice(20 * i, 20 * i + 6),
  chosen: tokens.slice(20 * i + 6, 20 * i + 12),
  rejected: tokens.slice(20 * i + 13, 20 * i + 19),
}));

function objectiveOf(store: ParameterStore, { accumulate, pairs, precision, spoil }: How): Objective {
  const how = { T, accumulate, decay: 0.1, ...(precision ? { precision } : {}) };
  if (pairs) return preferenceObjective(preferencePlan(store, { ...how, n: B, beta: 0.1 }), { pairs: PAIRS, seed: 5 });
  const made = trainingPlan(store, { ...how, B });
  const order = new BatchOrder(onePiece(tokens), { B: B / accumulate, T, seed: 5 });
  const at = (number: number) => {
    const batch = order.at(number);
    spoil?.(batch, number);
    return batch;
  };
  return textObjective(made, { at });
}

async function trained(executor: Executor, how: How) {
  const { steps = 3, stopAfter } = how, store = new ParameterStore(config), rest: Omit<Measures, "loss">[] = [];
  const losses: number[] = [], norms: number[] = [];
  store.initialise(executor, 1);
  const objective = objectiveOf(store, how);
  const make = () =>
    Trainer.create(executor, store, {
      ...{ name: "test", objective, schedule: { rate: 1e-3, warmup: 1, steps } },
      rewind: (trainer) => (store.initialise(executor, 1), trainer.restart()),
    });
  let trainer = await make();
  const memory = trainer.memory;
  try {
    for (;;) {
      for await (const done of trainer.run({ pauseEvery: stopAfter })) {
        const { step, loss, gradientNorm, nll, logOdds, logSigmoid, accuracy, margin, lossScale } = done;
        losses.push(loss);
        norms.push(gradientNorm ?? NaN);
        rest.push({ nll, logOdds, logSigmoid, accuracy, margin, lossScale });
        if (step === stopAfter) break;
      }
      if (trainer.step === steps) break;
      const kept = await trainer.snapshot();
      trainer.dispose();
      trainer = await make();
      trainer.restore(kept);
    }
    return { losses, norms, rest, memory, weights: await store.read(executor) };
  } finally {
    trainer.dispose();
    store.release(executor);
  }
}

type Trained = Awaited<ReturnType<typeof trained>>;

/** AdamW divides by roots of squares, so last digits of small gradients show in the first updates of their weights. */
function close(a: Trained, b: Trained, what: string): void {
  for (const [i, loss] of a.losses.entries()) assert.ok(Math.abs(loss - b.losses[i]!) < 1e-5, `${what}: loss ${i}`);
  for (const [i, norm] of a.norms.entries()) assert.ok(Math.abs(norm / b.norms[i]! - 1) < 1e-5, `${what}: norm ${i}`);
  for (const [i, measures] of a.rest.entries()) {
    for (const [name, value = 0] of Object.entries(measures)) {
      const other = b.rest[i]?.[name as keyof typeof measures] ?? 0;
      assert.ok(Math.abs(value - other) < 1e-5, `${what}: ${name} ${i}: ${value} ${other}`);
    }
  }
  for (const [name, values] of Object.entries(a.weights)) {
    const error = relativeError(values, b.weights[name]!);
    assert.ok(error < 1e-3, `${what}: ${name} ${error}`);
  }
}

Deno.test("four sequences at once, in two parts and in four give one training on every executor", async () => {
  for (const executor of [new ReferenceExecutor(), ...await executors()]) {
    const whole = await trained(executor, { accumulate: 1 });
    for (const accumulate of [2, 4]) {
      close(await trained(executor, { accumulate }), whole, `${executor.name} ${accumulate}`);
    }
  }
});

Deno.test("four pairs at once and in four parts give one training and one set of measures on every executor", async () => {
  for (const executor of [new ReferenceExecutor(), ...await executors()]) {
    const whole = await trained(executor, { accumulate: 1, pairs: true });
    assert.ok(whole.rest.every(({ nll, margin, accuracy }) => nll && margin && accuracy !== undefined));
    close(await trained(executor, { accumulate: 4, pairs: true }), whole, executor.name);
  }
});

Deno.test("the same parts have the same bits, also when a training is stopped and continues, and in f16", async () => {
  const executor = await CpuExecutor.create({ threads: 1 });
  try {
    for (const precision of [undefined, "f16"] as const) {
      for (const pairs of [false, true]) {
        const how = { accumulate: 2, precision, pairs, steps: 5 }, straight = await trained(executor, how);
        assert.deepEqual(await trained(executor, how), straight);
        assert.deepEqual(await trained(executor, { ...how, stopAfter: 2 }), straight);
      }
    }
  } finally {
    await executor.close();
  }
});

Deno.test("activations take the memory of a part, not of the batch; the sums take that of the parameters", async () => {
  const executor = await CpuExecutor.create({ threads: 1 });
  try {
    const store = new ParameterStore(config),
      memory = (rows: number, accumulate: number) => {
        const { plan, accumulation } = trainingPlan(store, { B: rows, T, accumulate, decay: 0.1 });
        const plans = accumulation ? [plan, accumulation.plan] : [plan];
        return plans.reduce((sum, one) => sum + executor.memoryOf(one).slotBytes, 0);
      };
    // Zeros for the sums, and what products pack: of the largest range of parameters, or of 2^19 numbers where that is larger.
    const largest = 4 * Math.max(...store.ranges.map(({ g }) => g.columns * g.rows));
    assert.ok(memory(32, 8) <= memory(4, 1) + 3 * largest, `${memory(32, 8)} ${memory(4, 1)} ${largest}`);
    assert.ok(memory(32, 8) < memory(32, 1) / 3);
    const [whole, parts] = [
      await trained(executor, { accumulate: 1, steps: 1 }),
      await trained(executor, { accumulate: 4, steps: 1 }),
    ];
    assert.equal(parts.memory.arenaBytes, whole.memory.arenaBytes / 4 * 5);
  } finally {
    await executor.close();
  }
});

Deno.test("a part that is not finite is named, and the sums do not outlive it", async () => {
  const executor = await CpuExecutor.create({ threads: 1 });
  try {
    const spoil = (batch: Batch, number: number) => {
      if (number === 4) batch.weight.fill(Infinity);
    };
    await assert.rejects(trained(executor, { accumulate: 2, spoil }), (error: Error) => {
      assert.ok(error instanceof Diverged);
      assert.match(error.message, /diverged at step 2[^]*first written by nll_loss_forward/);
      return true;
    });
  } finally {
    await executor.close();
  }
});

Deno.test("a study accumulates, and says so in its record; a batch that cannot be cut is refused", async () => {
  const executor = await CpuExecutor.create({ threads: 1 }), tiny = tinyStudy({ arms: ["mamba"] }), prints = [];
  const study = {
    ...tiny,
    pretraining: { ...tiny.pretraining, accumulate: 2 },
    orpo: { ...tiny.orpo, accumulate: 2 },
  };
  const corpus = madeUpCorpus();
  try {
    for (const folder of ["one", "two"]) {
      const disk = memoryDisk(), options = { executor, corpus, disk, folder, environment: ENVIRONMENT, speedRounds: 1 };
      const run = await runStudy(study, options);
      assert.deepEqual([run.record.study.pretraining.accumulate, run.record.study.orpo.accumulate], [2, 2]);
      assert.equal(run.results[0]!.stages.orpo!.steps, tiny.orpo.steps);
      assert.equal(run.results[0]!.stages.pretraining!.tokens, 6 * 2 * 16);
      prints.push(await fingerprint(disk, folder));
    }
  } finally {
    await executor.close();
  }
  assert.deepEqual(prints[0], prints[1]);
  const resolved = (text: string) => resolveSources({ file: { path: "my.toml", text } }).study;
  assert.equal(resolved("[pretraining]\naccumulate = 4\n").pretraining.accumulate, 4);
  assert.equal(resolved("[pretraining]\naccumulate = 1\n").pretraining.accumulate, undefined);
  assert.equal(resolved("[orpo]\naccumulate = 2\n").orpo.accumulate, 2);
  assert.equal(resolved("[pretraining]\naccumulate = 8\n").orpo.accumulate, undefined);
  assert.throws(
    () => resolved("[orpo]\naccumulate = 3\n"),
    /my\.toml:2:1: orpo\.accumulate[^]*divides the batch of \d/,
  );
  assert.throws(
    () => resolved("[pretraining]\naccumulate = 3\n"),
    /my\.toml:2:1: pretraining\.accumulate[^]*divides the batch of 8/,
  );
  assert.throws(
    () => resolved("[pretraining]\naccumulate = 4\n[arms.mamba.pretraining]\nbatch = 6\n"),
    /my\.toml:2:1: arms\.mamba\.pretraining\.accumulate[^]*divides the batch of 6/,
  );
});
