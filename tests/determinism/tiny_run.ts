/** A training run of seconds, whole in one function: what has to give the same bits wherever and whenever it is repeated. */
import { sha256 } from "../../core/disk/mod.ts";
import { ParameterStore } from "../../core/params/store.ts";
import type { Executor, Plan } from "../../core/plan/mod.ts";
import { randomInteger } from "../../core/random.ts";
import type { Tensor } from "../../core/tensor/mod.ts";
import { ADAMW, type PreferencePlan, preferencePlan, type TrainingPlan, trainingPlan } from "../../core/train/plans.ts";
import { smallModels } from "../train/models.ts";

const B = 2, T = 24, RATE = 3e-3;

/** The smallest model with every kind of layer. */
const config = () => smallModels().find(({ name }) => name === "hymba")!.config;

type Write = (tensor: Tensor, data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>) => void;

/** The batch of a step (from 1): made-up tokens in which each depends on the one before, so that there is something to learn. */
function feed(write: Write, made: TrainingPlan, step: number): void {
  const V = config().vocabSize, tokens = new Uint32Array(B * (T + 1));
  for (let i = 0; i < tokens.length; i++) {
    const drawn = randomInteger({ seed: 7, stream: 100, step }, i, V);
    tokens[i] = i % (T + 1) === 0 || drawn % 4 === 0 ? drawn : (3 * tokens[i - 1]! + 1) % V;
  }
  const rows = (from: number) =>
    Array.from({ length: B }, (_, b) => [...tokens.subarray(b * (T + 1) + from)].slice(0, T));
  write(made.ids, Uint32Array.from(rows(0).flat()));
  write(made.targets, Uint32Array.from(rows(1).flat()));
  write(made.weight, new Float32Array(B * T).fill(1));
  write(made.schedule, Float32Array.of(RATE, 1 - ADAMW.beta1 ** step, 1 - ADAMW.beta2 ** step, 0));
}

/** The same for ORPO: the second row is what is rejected, behind half a row of prompt. */
function feedPairs(write: Write, made: PreferencePlan, step: number): void {
  feed(write, made, step);
  write(made.weight, Float32Array.from({ length: B * T }, (_, i) => i < T ? 1 : 0));
  write(made.completion, Float32Array.from({ length: B * T }, (_, i) => i % T >= T / 2 ? 1 : 0));
}

export interface TinyRun {
  /** SHA-256 of all weights and all metrics. */
  readonly sha256: string;
  readonly losses: readonly number[];
}

/** Trains from fixed start weights: `steps` updates of the first stage, then as many tenths of the second. */
export async function tinyRun(executor: Executor, steps: number): Promise<TinyRun> {
  const store = new ParameterStore(config()), metrics: Float32Array[] = [];
  store.initialise(executor, 1);
  const stages = [
    { ...trainingPlan(store, { B, T, decay: 0.1 }), count: steps },
    { ...preferencePlan(store, { n: B / 2, T, decay: 0.01, beta: 0.1 }), count: Math.ceil(steps / 10) },
  ];
  for (const { count, ...made } of stages) {
    const program = await executor.prepare(made.plan), write: Write = (tensor, data) => program.write(tensor, data);
    for (let step = 1; step <= count; step++) {
      "completion" in made ? feedPairs(write, made, step) : feed(write, made, step);
      await program.run();
    }
    metrics.push(...await program.drainMetrics());
    program.dispose();
  }
  const weights = Object.values(await store.read(executor));
  store.release(executor);
  const all = [...weights, ...metrics].map(({ buffer, byteOffset, byteLength }) =>
    new Uint8Array(buffer, byteOffset, byteLength)
  );
  return { sha256: sha256(Buffer.concat(all)), losses: metrics.map(([loss]) => loss!) };
}

/** What one step of the plan wrote. */
export interface Written {
  readonly step: number;
  readonly op: string;
  readonly tensor: string;
  readonly values: Float32Array | Uint32Array;
}

/**
 * The first update step by step: the plan is cut off behind each of its steps in turn, so that what was written is read before
 * anything writes over it.
 */
export async function* written(executor: Executor): AsyncGenerator<Written> {
  const store = new ParameterStore(config()), made = trainingPlan(store, { B, T, decay: 0.1 });
  for (const [step, { op, writes }] of made.plan.steps.entries()) {
    store.initialise(executor, 1);
    const outputs = Object.values(writes), steps = made.plan.steps.slice(0, step + 1);
    const plan: Plan = { ...made.plan, steps, metrics: [], outputs: outputs.filter(({ storage }) => !storage.pinned) };
    const program = await executor.prepare(plan);
    feed((tensor, data) => program.write(tensor, data), made, 1);
    await program.run();
    for (const tensor of outputs) yield { step, op, tensor: tensor.name, values: await program.read(tensor) };
    program.dispose();
  }
  store.release(executor);
}
