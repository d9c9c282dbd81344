/** Training of one model. Importing this file loads no engine. */
import { UsageError } from "../errors.ts";
import type { Trainer as EngineTrainer, TrainerState } from "../train/trainer.ts";
import type { Checkpoint } from "./checkpoint_types.ts";
import { stateOfCheckpoint } from "./checkpoint_state.ts";
import { engineOf, type Hymba } from "./hymba.ts";
import { requireOptions, requireSignal } from "../given.ts";
import type { RunOptions, TrainerOptions, TrainingStep } from "./trainer_options.ts";

/** The state of a training, for the other files of the library. */
export let stateOf: (trainer: Trainer) => Promise<TrainerState>;

/**
 * Trains a model: AdamW with warm-up, gradients clipped at norm 1. The same model, data, options and seed give the same bits, also with a
 * stop and a checkpoint in between.
 *
 * @example
 * ```ts
 * import { Hymba, Trainer } from "@hymba/hymba";
 *
 * await using model = await Hymba.create({ vocabSize: 50, dModel: 32, nLayers: 2, nHeads: 4, nKvHeads: 2 });
 * const tokens = Array.from({ length: 2000 }, (_, i) => (i * i) % 50);
 * await using trainer = await Trainer.create(model, { tokens, steps: 20, batch: 4, length: 32 });
 * for await (const { step, loss } of trainer.run()) console.log(step, loss);
 * ```
 */
export class Trainer implements AsyncDisposable {
  readonly #trainer: EngineTrainer;
  #running = false;

  static {
    stateOf = (trainer) => trainer.#trainer.snapshot();
  }

  private constructor(
    /** The model that is trained. */
    readonly model: Hymba,
    trainer: EngineTrainer,
  ) {
    this.#trainer = trainer;
  }

  /**
   * Prepares a training of `model`, from the weights that it has. Throws UsageError for options that do not fit, HymbaError when there is
   * not enough memory.
   */
  static async create(model: Hymba, options: TrainerOptions): Promise<Trainer> {
    requireOptions(options, "training");
    const engine = engineOf(model), { startTraining } = await import("./training.ts");
    return new Trainer(model, await startTraining(engine, { ...options, tokenizer: model.tokenizer }));
  }

  /** Updates so far. */
  get step(): number {
    return this.#trainer.step;
  }

  /** Updates in all. */
  get steps(): number {
    return this.#trainer.steps;
  }

  /** Continues from a checkpoint of the same training. Throws UsageError when it is not one, HymbaError when it is of another model. */
  restore(checkpoint: Checkpoint): void {
    const state = stateOfCheckpoint.get(checkpoint);
    if (!state?.groups.first_moments) {
      throw new UsageError("restore: the checkpoint is not of a training", {
        expected: "a checkpoint of a Trainer, from saveCheckpoint",
      });
    }
    if (state.step > this.steps) {
      throw new UsageError("restore: the checkpoint is of a longer training", {
        expected: `at most ${this.steps} steps`,
        got: `${state.step}`,
      });
    }
    this.#trainer.restore(state);
    engineOf(this.model).weightsChanged();
  }

  /**
   * Runs the remaining updates and yields the result of each. Leaving the loop stops after the update; another call continues.
   * Throws Interrupted when the signal aborts, and Diverged when a loss or gradient is not a finite number.
   */
  async *run(options: RunOptions = {}): AsyncGenerator<TrainingStep, void, void> {
    requireOptions(options, "run");
    requireSignal(options.signal, "run");
    const { signal, queue = 1 } = options;
    if (!Number.isSafeInteger(queue) || queue < 1) {
      throw new UsageError("run: queue is out of range", { expected: "a whole number from 1", got: `${queue}` });
    }
    if (this.#running) throw new UsageError("run: the training runs already");
    this.#running = true;
    const engine = engineOf(this.model);
    try {
      for await (const { tokens_per_s: tokensPerSecond, ...done } of this.#trainer.run({ signal, pauseEvery: queue })) {
        engine.weightsChanged();
        const { step, loss, gradientNorm, rate, accuracy } = done;
        yield { step, loss, gradientNorm, rate, tokensPerSecond, ...accuracy !== undefined && { accuracy } };
      }
    } finally {
      this.#running = false;
    }
  }

  /** Frees the memory of the training. The model stays, with its weights. */
  close(): Promise<void> {
    return new Promise((resolve) => resolve(this.#trainer.dispose()));
  }

  /** The same as {@link Trainer.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
