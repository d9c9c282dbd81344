import { strict as assert } from "node:assert";
import type { HymbaConfig } from "../../core/config/mod.ts";
import { type Disk, memoryDisk } from "../../core/disk/mod.ts";
import { loadLatest, saveCheckpoint } from "../../core/params/checkpoint.ts";
import { type Executor, ReferenceExecutor } from "../../core/plan/mod.ts";
import { ParameterStore } from "../../core/params/store.ts";
import { randomInteger } from "../../core/random.ts";
import { trainingPlan } from "../../core/train/plans.ts";
import { putSnapshot, takeSnapshot } from "../../core/train/snapshot.ts";
import { executors } from "../ops/executors.ts";
import { relativeError } from "../ops/harness.ts";
import { furtherModels, smallModels } from "./models.ts";

const B = 2, T = 11, FIRST = 2;

/** A model in training on one executor, always on the same batch. */
class Trainer {
  private constructor(
    private readonly executor: Executor,
    private readonly store: ParameterStore,
    private readonly made: ReturnType<typeof trainingPlan>,
    private readonly program: Awaited<ReturnType<Executor["prepare"]>>,
  ) {}

  static async create(executor: Executor, config: HymbaConfig): Promise<Trainer> {
    const store = new ParameterStore(config), counter = { seed: 3, stream: 100, step: 0 };
    const ids = Uint32Array.from({ length: B * (T + 1) }, (_, i) => randomInteger(counter, i, config.vocabSize));
    store.initialise(executor, 1);
    const made = trainingPlan(store, { B, T, decay: 0.1 }), program = await executor.prepare(made.plan);
    program.write(made.ids, ids.slice(0, B * T));
    program.write(made.targets, ids.slice(B, B * T + B));
    program.write(made.weight, new Float32Array(B * T).fill(1));
    return new Trainer(executor, store, made, program);
  }

  /** Loss and norm of the gradient of one step after the other. */
  async train(first: number, last: number): Promise<number[]> {
    for (let step = first; step <= last; step++) {
      this.program.write(this.made.schedule, Float32Array.of(1e-3, 1 - 0.9 ** step, 1 - 0.95 ** step, 0));
      await this.program.run();
    }
    return (await this.program.drainMetrics()).flatMap((values) => [...values]);
  }

  parameters(): Promise<Record<string, Float32Array>> {
    return this.store.read(this.executor);
  }

  async save(disk: Disk): Promise<void> {
    const groups = await takeSnapshot(this.executor, this.store);
    await saveCheckpoint(disk, "checkpoints", { stage: "pretraining", step: FIRST, groups, state: null });
  }

  async load(disk: Disk): Promise<void> {
    putSnapshot(this.executor, this.store, (await loadLatest(disk, "checkpoints"))!);
  }

  close(): void {
    this.program.dispose();
    this.store.release(this.executor);
  }
}

/** Metrics and parameters are those of the first within the bounds of float32. */
async function requireSame(trainers: readonly Trainer[], metrics: readonly number[][]): Promise<void> {
  const truth = await trainers[0]!.parameters();
  for (const [i, trainer] of trainers.entries()) {
    const off = relativeError(metrics[i]!, metrics[0]!);
    assert.ok(off < 1e-4, `metrics ${metrics[i]} of executor ${i} against ${metrics[0]}`);
    for (const [parameter, values] of Object.entries(await trainer.parameters())) {
      const error = relativeError(values, truth[parameter]!);
      assert.ok(error < 5e-4, `${parameter} of executor ${i} is off by ${error}`);
    }
  }
}

for (const { name, config } of [...smallModels(), ...furtherModels()]) {
  Deno.test(`first steps of ${name} are the reference's, also when a checkpoint moves from one executor to the next`, async () => {
    const all = [new ReferenceExecutor(), ...await executors()], trainers: Trainer[] = [];
    try {
      for (const executor of all) trainers.push(await Trainer.create(executor, config));
      const metrics: number[][] = [];
      for (const trainer of trainers) metrics.push(await trainer.train(1, FIRST));
      const [first, , second] = metrics[0]!, atChance = Math.log(config.vocabSize);
      assert.ok(Math.abs(first! / atChance - 1) < 0.03, `loss ${first} against ln V = ${atChance}`);
      assert.ok(second! < first!, "one update on the same batch lowers the loss");
      await requireSame(trainers, metrics);
      // The reference goes on by itself, every other from what another executor has done.
      const disks = trainers.map(() => memoryDisk());
      for (const [i, trainer] of trainers.entries()) await trainer.save(disks[i]!);
      for (let i = 1; i < trainers.length; i++) await trainers[i]!.load(disks[i % (trainers.length - 1) + 1]!);
      const further: number[][] = [];
      for (const trainer of trainers) further.push(await trainer.train(FIRST + 1, FIRST + 1));
      await requireSame(trainers, further);
    } finally {
      for (const trainer of trainers) trainer.close();
    }
  });
}
