import { strict as assert } from "node:assert";
import type { HymbaConfig } from "../../core/config/mod.ts";
import { type Disk, memoryDisk } from "../../core/disk/mod.ts";
import { loadLatest, saveCheckpoint } from "../../core/params/checkpoint.ts";
import { type Executor, ReferenceExecutor } from "../../core/plan/mod.ts";
import { ParameterStore } from "../../core/params/store.ts";
import { randomInteger } from "../../core/random.ts";
import { textObjective } from "../../core/train/objective.ts";
import { trainingPlan } from "../../core/train/plans.ts";
import { Trainer } from "../../core/train/trainer.ts";
import { executors } from "../ops/executors.ts";
import { relativeError } from "../ops/harness.ts";
import { furtherModels, smallModels } from "./models.ts";
import { thorough } from "../thorough.ts";

const B = 2, T = 11, FIRST = 2, SCHEDULE = { rate: 1e-3, warmup: 1, steps: 3 };

/** A model that trains on one executor, always on the same batch. */
function trainerOf(executor: Executor, config: HymbaConfig): Promise<Trainer> {
  const store = new ParameterStore(config), counter = { seed: 3, stream: 100, step: 0 };
  const tokens = Uint32Array.from({ length: B * (T + 1) }, (_, i) => randomInteger(counter, i, config.vocabSize));
  const batch = { ids: tokens.slice(0, B * T), targets: tokens.slice(B), weight: new Float32Array(B * T).fill(1) };
  store.initialise(executor, 1);
  const objective = textObjective(trainingPlan(store, { B, T, decay: 0.1 }), { at: () => batch });
  return Trainer.create(executor, store, { name: config.archType, objective, schedule: SCHEDULE });
}

/** Loss and norm of the gradient of one step after the other, up to `last`. */
async function train(trainer: Trainer, last: number): Promise<number[]> {
  const metrics: number[] = [];
  for await (const { step, loss, gradientNorm } of trainer.run({ pauseEvery: 1 })) {
    metrics.push(loss, gradientNorm!);
    if (step === last) break;
  }
  return metrics;
}

async function save(trainer: Trainer, disk: Disk): Promise<void> {
  const { step, groups } = await trainer.snapshot();
  await saveCheckpoint(disk, "checkpoints", { stage: "pretraining", step, groups, state: null });
}

/** Metrics and parameters equal those of the first executor within the bounds of float32. */
async function requireSame(trainers: readonly Trainer[], metrics: readonly number[][]): Promise<void> {
  const weights = async (trainer: Trainer) => (await trainer.snapshot()).groups.weights!;
  const truth = await weights(trainers[0]!);
  for (const [i, trainer] of trainers.entries()) {
    const off = relativeError(metrics[i]!, metrics[0]!);
    assert.ok(off < 1e-4, `metrics ${metrics[i]} of executor ${i} against ${metrics[0]}`);
    for (const [parameter, { data }] of Object.entries(await weights(trainer))) {
      const error = relativeError(data as Float32Array, truth[parameter]!.data as Float32Array);
      assert.ok(error < 5e-4, `${parameter} of executor ${i} is off by ${error}`);
    }
  }
}

const FIVE = smallModels().map(({ name }) => name);

for (const { name, config } of [...smallModels(), ...furtherModels()]) {
  thorough(
    `first steps of ${name} are the reference's, also when a checkpoint moves from one executor to the next`,
    async () => {
      const all = [new ReferenceExecutor(), ...await executors()], trainers: Trainer[] = [];
      try {
        for (const executor of all) trainers.push(await trainerOf(executor, config));
        const metrics: number[][] = [];
        for (const trainer of trainers) metrics.push(await train(trainer, FIRST));
        const [first, , second] = metrics[0]!, atChance = Math.log(config.vocabSize);
        // Logits of order one at the start add half their variance to chance, and a bit for the token itself, whose embedding is in x.
        assert.ok(first! > atChance && first! < atChance + 1, `loss ${first} against ln V = ${atChance}`);
        assert.ok(second! < first!, "one update on the same batch lowers the loss");
        await requireSame(trainers, metrics);
        // The reference continues from its own state, every other executor from the state of another one.
        const disks = trainers.map(() => memoryDisk());
        for (const [i, trainer] of trainers.entries()) await save(trainer, disks[i]!);
        for (let i = 1; i < trainers.length; i++) {
          trainers[i]!.restore((await loadLatest(disks[i % (trainers.length - 1) + 1]!, "checkpoints"))!);
        }
        const further: number[][] = [];
        for (const trainer of trainers) further.push(await train(trainer, FIRST + 1));
        await requireSame(trainers, further);
      } finally {
        for (const [i, trainer] of trainers.entries()) {
          trainer.dispose();
          trainer.store.release(all[i]!);
        }
      }
    },
    { unless: FIVE.includes(name) },
  );
}
