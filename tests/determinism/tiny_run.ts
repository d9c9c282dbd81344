/** A training run of a few seconds in one function. It has to give the same bits each time and on every machine. */
import { createHash } from "node:crypto";
import type { Batch } from "../../core/data/batches.ts";
import { at, present } from "../../core/lists.ts";
import { ParameterStore } from "../../core/params/store.ts";
import type { Executor, Plan } from "../../core/plan/mod.ts";
import { randomInteger } from "../../core/random.ts";
import { feed, type Objective, preferenceObjective, textObjective } from "../../core/train/objective.ts";
import { preferencePlan, trainingPlan } from "../../core/train/plans.ts";
import { Trainer } from "../../core/train/trainer.ts";
import { smallModels } from "../train/models.ts";

const B = 2, T = 24, RATE = 3e-3;

/** The smallest model with every kind of layer. */
const config = () => present(smallModels().find(({ name }) => name === "hymba"), "the small hymba").config;

/** The batch of a step (from 1): synthetic tokens. Each depends on the one before, so that there is something to learn. */
function batchAt(step: number): Batch {
  const V = config().vocabSize, tokens = new Uint32Array(B * (T + 1));
  for (let i = 0; i < tokens.length; i++) {
    const drawn = randomInteger({ seed: 7, stream: 100, step }, i, V);
    tokens[i] = i % (T + 1) === 0 || drawn % 4 === 0 ? drawn : (3 * at(tokens, i - 1) + 1) % V;
  }
  const rows = (from: number) =>
    Uint32Array.from(Array.from({ length: B }, (_, b) => [...tokens.subarray(b * (T + 1) + from)].slice(0, T)).flat());
  return { ids: rows(0), targets: rows(1), weight: new Float32Array(B * T).fill(1) };
}

const text = (store: ParameterStore) => textObjective(trainingPlan(store, { B, T, decay: 0.1 }), { at: batchAt });

/** ORPO on the same batches. The second row is the rejected one; the first half of a row is the prompt. */
function preference(store: ParameterStore): Objective {
  const made = preferencePlan(store, { n: B / 2, T, decay: 0.01, beta: 0.1 });
  const weight = Float32Array.from({ length: B * T }, (_, i) => i < T ? 1 : 0);
  const completion = Float32Array.from({ length: B * T }, (_, i) => i % T >= T / 2 ? 1 : 0);
  const inputs = (step: number) => {
    const { ids, targets } = batchAt(step);
    return [[made.ids, ids], [made.targets, targets], [made.weight, weight], [made.completion, completion]] as const;
  };
  return { ...preferenceObjective(made, { pairs: [], seed: 1 }), inputs };
}

export interface TinyRun {
  /** SHA-256 of all weights and all metrics. */
  readonly sha256: string;
  readonly losses: readonly number[];
}

/** Trains from fixed initial weights: `steps` updates of the first stage, then a tenth as many of the second. */
export async function tinyRun(executor: Executor, steps: number): Promise<TinyRun> {
  const store = new ParameterStore(config()), losses: number[] = [], hash = createHash("sha256");
  store.initialise(executor, 1);
  for (const [objective, count] of [[text(store), steps], [preference(store), Math.ceil(steps / 10)]] as const) {
    const schedule = { rate: RATE, warmup: 1, steps: count };
    const trainer = await Trainer.create(executor, store, { name: "tiny run", objective, schedule });
    for await (const { seconds: _, tokens_per_s: __, ...exact } of trainer.run()) {
      losses.push(exact.loss);
      hash.update(JSON.stringify(exact));
    }
    trainer.dispose();
  }
  for (const weights of Object.values(await store.read(executor))) hash.update(weights);
  store.release(executor);
  return { sha256: hash.digest("hex"), losses };
}

/** The output of one step of the plan. */
export interface Written {
  readonly step: number;
  readonly op: string;
  readonly tensor: string;
  readonly values: Float32Array | Uint32Array;
}

/**
 * The first update, step by step. The plan is truncated after each of its steps in turn, so that the output of the step is read before
 * another step overwrites it.
 */
export async function* written(executor: Executor): AsyncGenerator<Written> {
  const store = new ParameterStore(config()), objective = text(store), { made } = objective;
  for (const [step, { op, writes }] of made.plan.steps.entries()) {
    store.initialise(executor, 1);
    const outputs = Object.values(writes), steps = made.plan.steps.slice(0, step + 1);
    const plan: Plan = { ...made.plan, steps, metrics: [], outputs: outputs.filter(({ storage }) => !storage.pinned) };
    const program = await executor.prepare(plan);
    feed(program, objective, { step: 1, rate: RATE });
    await program.run();
    for (const tensor of outputs) yield { step, op: op.name, tensor: tensor.name, values: await program.read(tensor) };
    program.dispose();
  }
  store.release(executor);
}
