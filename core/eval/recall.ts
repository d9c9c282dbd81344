/**
 * The recall probe: a small model of an arm is trained on associative recall from random weights and tested at every distance.
 */
import type { Arm, RecallConfig } from "../config/mod.ts";
import type { RecallResult } from "../record/mod.ts";
import { recallBatch, recallVocabulary } from "../data/recall.ts";
import { HymbaError } from "../errors.ts";
import { at, mean } from "../lists.ts";
import { logitsOf } from "../nn/model.ts";
import { ParameterStore } from "../params/store.ts";
import { parameterCount } from "../params/specs.ts";
import { type Executor, finish } from "../plan/mod.ts";
import { Tape } from "../tensor/mod.ts";
import { textObjective } from "../train/objective.ts";
import { type TrainingPlan, trainingPlan } from "../train/plans.ts";
import { Trainer } from "../train/trainer.ts";

/** The step number of the first test batch. No training step is as large, so training never sees test batches. */
const TEST_STEP = 2 ** 20;
/**
 * The step number of the first batch of evaluations during training, and the batches of one evaluation. They are not test
 * batches.
 */
const LOOK_STEP = 2 ** 21, LOOK_BATCHES = 4;

/** Updates between two reports of the mean loss. */
const SHOW_EVERY = 20;

export interface RecallOptions {
  readonly seed: number;
  readonly signal?: AbortSignal;
  /** Called every few updates. */
  onStep?(event: { step: number; steps: number; loss: number; tokens_per_s: number }): void;
}

/**
 * Trains one arm on the task and measures its accuracy by distance. Throws Interrupted when the signal aborts; the next call
 * starts again. Throws Diverged when a loss or gradient is NaN or infinite.
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
    const start = performance.now(), trained = await train(executor, store, { recall, ...options });
    const train_s = (performance.now() - start) / 1000;
    const accuracies = await answers(executor, store, { recall, seed: options.seed, from: TEST_STEP });
    return {
      arm: name,
      seed: options.seed,
      parameters: parameterCount(config),
      steps: trained.steps,
      loss: trained.loss,
      accuracies,
      train_s,
      ...(recall.evaluateEvery === undefined ? {} : { stepsTo90: trained.stepsTo90 }),
    };
  } finally {
    store.release(executor);
  }
}

/** The update of the probe. */
export const recallPlan = (store: ParameterStore, { batch: B, length: T, decay }: RecallConfig): TrainingPlan =>
  trainingPlan(store, { B, T, decay });

/** Share of right answers over all distances. */
export const meanAccuracy = (accuracies: RecallResult["accuracies"]): number =>
  mean(accuracies.map(({ accuracy }) => accuracy));

/** Decides from the accuracies so far whether training ends. */
class Watch {
  stepsTo90: number | null = null;
  #best = -1;
  #since = 0;

  constructor(private readonly patience = Infinity) {}

  /** Adds an accuracy. Returns whether training ends: at 99 % right answers, or without an improvement for too long. */
  isDone(step: number, accuracy: number): boolean {
    if (accuracy >= 0.9) this.stepsTo90 ??= step;
    this.#since = accuracy > this.#best ? 0 : this.#since + 1;
    this.#best = Math.max(this.#best, accuracy);
    return this.patience < Infinity && (accuracy >= 0.99 || this.#since >= this.patience);
  }
}

/**
 * The result of training: the mean loss of the last updates, the number of updates, and the first step with 90 % right
 * answers.
 */
interface Trained {
  readonly loss: number;
  readonly steps: number;
  readonly stepsTo90: number | null;
}

async function train(
  executor: Executor,
  store: ParameterStore,
  { recall, seed, signal, onStep }: RecallOptions & { recall: RecallConfig },
): Promise<Trained> {
  const { evaluateEvery } = recall, watch = new Watch(recall.patience);
  const at = (step: number) => recallBatch(recall, { B: recall.batch, seed, step: step - 1 });
  const rewind = (trainer: Trainer) => {
    store.initialise(executor, seed);
    trainer.restart();
  };
  const objective = textObjective(recallPlan(store, recall), { at });
  const trainer = await Trainer.create(executor, store, { name: "recall", objective, schedule: recall, rewind });
  try {
    let loss = NaN, losses: number[] = [];
    for await (const done of trainer.run({ signal, pauseEvery: evaluateEvery ?? SHOW_EVERY })) {
      losses.push(done.loss);
      if (!done.paused) continue;
      loss = mean(losses);
      losses = [];
      onStep?.({ step: done.step, steps: trainer.steps, loss, tokens_per_s: done.tokens_per_s });
      if (evaluateEvery === undefined) continue;
      const looked = await answers(executor, store, {
        recall: { ...recall, testBatches: LOOK_BATCHES },
        seed,
        from: LOOK_STEP,
      });
      if (watch.isDone(done.step, meanAccuracy(looked))) return { loss, steps: done.step, stepsTo90: watch.stepsTo90 };
    }
    return { loss, steps: recall.steps, stepsTo90: watch.stepsTo90 };
  } finally {
    trainer.dispose();
  }
}

/** The share of queries at each distance whose likeliest next token, of all tokens, is the value. */
async function answers(
  executor: Executor,
  store: ParameterStore,
  { recall, seed, from }: { recall: RecallConfig; seed: number; from: number },
): Promise<RecallResult["accuracies"]> {
  const { batch: B, length: T, testBatches } = recall, V = recallVocabulary(recall);
  const tape = new Tape(false), ids = tape.input("ids", [B, T], { dtype: "u32" });
  const logits = logitsOf(tape, ids, store);
  const program = await executor.prepare(finish(tape, { name: "recall", outputs: [logits] }));
  const counts = recall.ranges.map(([least, most]) => ({ least, most, queries: 0, right: 0 }));
  try {
    for (let i = 0; i < testBatches; i++) {
      const { queries, ...batch } = recallBatch(recall, { B, seed, step: from + i });
      program.write(ids, batch.ids);
      await program.run();
      const scores = await program.read(logits) as Float32Array;
      for (const { at: position, range } of queries) {
        const row = scores.subarray(position * V, (position + 1) * V), answer = at(batch.targets, position);
        const count = at(counts, range);
        count.queries++;
        if (row.every((score, token) => token === answer || score < at(row, answer))) count.right++;
      }
    }
  } finally {
    program.dispose();
  }
  return counts.map(({ right, ...count }) => ({ ...count, accuracy: right / count.queries }));
}
