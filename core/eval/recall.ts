/** The recall probe: a small model of an arm learns associative recall from nothing, and is asked at every distance. */
import type { Arm, RecallConfig } from "../config/mod.ts";
import type { RecallResult } from "../record/mod.ts";
import { recallBatch, recallVocabulary } from "../data/recall.ts";
import { Diverged, HymbaError, throwIfStopped } from "../errors.ts";
import { linear } from "../ops/linear.ts";
import { forward } from "../nn/model.ts";
import { ParameterStore } from "../params/store.ts";
import { parameterCount } from "../params/specs.ts";
import { type Executor, finish, inWords } from "../plan/mod.ts";
import { Tape } from "../tensor/mod.ts";
import { ADAMW, trainingPlan } from "../train/plans.ts";
import { replayTo } from "../train/replay.ts";
import { rateAt } from "../train/schedule.ts";
import { clearMoments } from "../train/snapshot.ts";

/** Test batches are counted from here, so that no training step draws them. */
const TEST_STEP = 2 ** 20;

/** Updates between two looks at the loss. */
const DRAIN_EVERY = 20;

export interface RecallOptions {
  readonly seed: number;
  readonly signal?: AbortSignal;
  /** Called every few updates. */
  onStep?(event: { step: number; steps: number; loss: number; tokens_per_s: number }): void;
}

/**
 * Trains one arm on the task and measures its accuracy by distance. Throws Interrupted when the signal aborts: it is done again
 * from the start. Throws Diverged when a loss or gradient is no number.
 */
export async function probeRecall(
  executor: Executor,
  { name, config }: Arm,
  { recall, ...options }: RecallOptions & { recall: RecallConfig },
): Promise<RecallResult> {
  if (config.vocabSize !== recallVocabulary(recall)) {
    throw new HymbaError(`recall: the model ${name} knows ${config.vocabSize} tokens`, {
      expected: `${recallVocabulary(recall)}, those of the task`,
    });
  }
  const store = new ParameterStore(config);
  store.initialise(executor, options.seed);
  try {
    const start = performance.now(), loss = await train(executor, store, { recall, ...options });
    const train_s = (performance.now() - start) / 1000;
    const accuracies = await answers(executor, store, { recall, seed: options.seed });
    return {
      arm: name,
      seed: options.seed,
      parameters: parameterCount(config),
      steps: recall.steps,
      loss,
      accuracies,
      train_s,
    };
  } finally {
    store.release(executor);
  }
}

/** Returns the mean loss of the last updates. */
async function train(
  executor: Executor,
  store: ParameterStore,
  { recall, seed, signal, onStep }: RecallOptions & { recall: RecallConfig },
): Promise<number> {
  const { batch: B, length: T, steps, decay } = recall;
  const made = trainingPlan(store, { B, T, decay }), program = await executor.prepare(made.plan);
  const write = (step: number) => {
    const { ids, targets, weight } = recallBatch(recall, { B, seed, step: step - 1 });
    program.write(made.ids, ids), program.write(made.targets, targets), program.write(made.weight, weight);
    const corrections = [1 - ADAMW.beta1 ** step, 1 - ADAMW.beta2 ** step];
    program.write(made.schedule, Float32Array.of(rateAt(step, recall), ...corrections, 0));
  };
  const requireFinite = async (runs: readonly Float32Array[], first: number) => {
    const broken = runs.findIndex((values) => !values.every(Number.isFinite));
    if (broken < 0) return;
    store.initialise(executor, seed), clearMoments(executor, store);
    const step = first + broken + 1, where = await replayTo(program, { write, from: 0, step });
    throw new Diverged(`recall: training diverged at step ${step}`, { got: where && inWords(where) });
  };
  try {
    let loss = NaN;
    for (let step = 0; step < steps;) {
      const start = performance.now(), first = step;
      while (step < Math.min(steps, first + DRAIN_EVERY)) {
        throwIfStopped(signal, "probing what a model recalls");
        write(++step);
        await program.run();
      }
      const runs = await program.drainMetrics();
      await requireFinite(runs, first);
      loss = runs.reduce((sum, values) => sum + values[0]!, 0) / runs.length;
      onStep?.({ step, steps, loss, tokens_per_s: runs.length * B * T / ((performance.now() - start) / 1000) });
    }
    return loss;
  } finally {
    program.dispose();
  }
}

/** The share of queries at each distance whose likeliest next token, of all tokens, is the value. */
async function answers(
  executor: Executor,
  store: ParameterStore,
  { recall, seed }: { recall: RecallConfig; seed: number },
): Promise<RecallResult["accuracies"]> {
  const { batch: B, length: T, testBatches, ranges } = recall, V = recallVocabulary(recall);
  const tape = new Tape(false), ids = tape.input("ids", [B, T], { dtype: "u32" });
  const logits = linear(tape, { x: forward(tape, ids, store).hidden, w: store.tensor("embedding") }, {
    name: "logits",
  });
  const program = await executor.prepare(finish(tape, { name: "recall", outputs: [logits] }));
  const right = ranges.map(() => 0), asked = ranges.map(() => 0);
  try {
    for (let i = 0; i < testBatches; i++) {
      const batch = recallBatch(recall, { B, seed, step: TEST_STEP + i });
      program.write(ids, batch.ids);
      await program.run();
      const scores = await program.read(logits) as Float32Array;
      for (const { at, range } of batch.queries) {
        const row = scores.subarray(at * V, (at + 1) * V), answer = batch.targets[at]!;
        asked[range]!++;
        if (row.every((score, token) => token === answer || score < row[answer]!)) right[range]!++;
      }
    }
  } finally {
    program.dispose();
  }
  return ranges.map(([least, most], i) => ({ least, most, queries: asked[i]!, accuracy: right[i]! / asked[i]! }));
}
