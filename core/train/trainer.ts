/**
 * The training loop for all kinds of training: it feeds batches, runs updates and checks for NaN.
 *
 * @example
 * ```ts
 * const trainer = await Trainer.create(executor, store, { name, objective, schedule });
 * for await (const { step, loss, paused } of trainer.run({ pauseEvery: 100 })) {
 *   if (paused) await save(await trainer.snapshot());
 * }
 * trainer.dispose();
 * ```
 */
import { Diverged, HymbaError, Interrupted } from "../errors.ts";
import { initialLossScale, LOSS_SCALE_STATE } from "../ops/loss_scale.ts";
import type { ParameterStore } from "../params/store.ts";
import { type Executor, inWords, type Memory } from "../plan/mod.ts";
import type { Measures, Objective } from "./objective.ts";
import { rateAt, type Schedule } from "./schedule.ts";
import { clearMoments, clearSums, putSnapshot, takeSnapshot, type Tensors } from "./snapshot.ts";
import { Updater } from "./updater.ts";

export interface TrainerOptions {
  /** The name of this training in errors, such as `hymba, pretraining`. */
  readonly name: string;
  readonly objective: Objective;
  readonly schedule: Schedule;
  /**
   * Puts back the weights of an earlier step and calls `restore` or `restart`. After NaN, the trainer repeats the updates from
   * there, and the error names the first tensor that is not finite. Without this option the error names the step only.
   */
  rewind?(trainer: Trainer): Promise<void> | void;
}

/** Everything that a training needs to continue with the same bits. */
export interface TrainerState {
  /** Number of updates before this state. */
  readonly step: number;
  /** Weights and moments. */
  readonly groups: Readonly<Record<string, Tensors>>;
  /** The state of loss scaling, in f16. */
  readonly lossScale?: readonly number[];
}

/** The result of one update. */
export interface TrainingStep extends Measures {
  /** The first update is step 1. */
  readonly step: number;
  readonly rate: number;
  /** Text tokens per second, and seconds per update. Both are means over the updates that were queued together. */
  readonly tokens_per_s: number;
  readonly seconds: number;
  /** True at multiples of `pauseEvery`, at `pauseAt` and at the last step: the executor holds the weights of this very step. */
  readonly paused: boolean;
}

/** Most updates that are queued before the metrics are read. Each reading waits for the device. */
const DRAIN_EVERY = 10;

const nextMultiple = (step: number, of: number) => (Math.floor(step / of) + 1) * of;

/** Trains the weights on the executor. Call `dispose` at the end; the weights stay on the executor. */
export class Trainer {
  #step = 0;

  private constructor(
    private readonly executor: Executor,
    readonly store: ParameterStore,
    readonly options: TrainerOptions,
    private readonly updater: Updater,
  ) {}

  /** Prepares the plan and sets the moments to zero. */
  static async create(executor: Executor, store: ParameterStore, options: TrainerOptions): Promise<Trainer> {
    const updater = await Updater.create(executor, options.objective);
    const trainer = new Trainer(executor, store, options, updater);
    trainer.restart();
    return trainer;
  }

  /** Number of updates so far. */
  get step(): number {
    return this.#step;
  }

  get steps(): number {
    return this.options.schedule.steps;
  }

  get memory(): Memory {
    return this.updater.memory;
  }

  /** Goes back to step 0: moments of zero, and the weights that are on the executor now. */
  restart(): void {
    clearMoments(this.executor, this.store);
    this.#clearSums();
    const { lossScale } = this.options.objective.made;
    if (lossScale) this.executor.write(lossScale, initialLossScale());
    this.#step = 0;
  }

  /** Copies the current state to the host. */
  async snapshot(): Promise<TrainerState> {
    const groups = await takeSnapshot(this.executor, this.store), { lossScale } = this.options.objective.made;
    return { step: this.#step, groups, ...lossScale && { lossScale: [...await this.executor.read(lossScale)] } };
  }

  /** Replaces the current state. Throws a HymbaError for a state of another model, or one without the loss scale in f16. */
  restore({ step, groups, lossScale: kept }: TrainerState): void {
    const { lossScale } = this.options.objective.made;
    if (lossScale && kept?.length !== LOSS_SCALE_STATE) {
      throw new HymbaError(`${this.options.name}: the state of step ${step} has no loss scale, which f16 needs`);
    }
    this.#clearSums();
    putSnapshot(this.executor, this.store, { groups, name: `${this.options.name}, step ${step}` });
    if (lossScale && kept) this.executor.write(lossScale, Float32Array.from(kept));
    this.#step = step;
  }

  /**
   * Runs the remaining updates and yields each result. Updates are queued in groups, so the weights on the executor may already
   * be those of a later step; when a step is `paused`, they are its own.
   * Throws Interrupted after the running update when the signal aborts. A later call continues from there.
   * Throws Diverged instead of yielding a step whose loss or gradient is NaN or infinite. The training cannot continue then.
   */
  async *run(
    { signal, pauseEvery = Infinity, pauseAt = [] }: {
      signal?: AbortSignal;
      pauseEvery?: number;
      pauseAt?: readonly number[];
    } = {},
  ): AsyncGenerator<TrainingStep, void, void> {
    const { name, objective, schedule } = this.options, { steps } = this;
    while (this.#step < steps) {
      if (signal?.aborted) throw new Interrupted(`stopped at step ${this.#step} of ${steps} (${name})`);
      const from = this.#step, start = performance.now();
      const until = Math.min(
        steps,
        nextMultiple(from, DRAIN_EVERY),
        nextMultiple(from, pauseEvery),
        ...pauseAt.filter((at) => at > from),
      );
      while (this.#step < until && !signal?.aborted) await this.#update();
      const runs = await this.updater.drain();
      const seconds = (performance.now() - start) / 1000 / runs.length;
      const speed = { tokens_per_s: objective.made.tokensPerStep / seconds, seconds };
      for (const [i, values] of runs.entries()) {
        const step = from + i + 1, measured = objective.measures(values);
        if (!isSound(measured)) throw await this.#diverged(step);
        const paused = step % pauseEvery === 0 || step === steps || pauseAt.includes(step);
        yield { step, ...measured, rate: rateAt(step, schedule), ...speed, paused };
      }
    }
  }

  dispose(): void {
    this.updater.dispose();
  }

  /** An update ends with sums of zero, but one that diverged does not. */
  #clearSums(): void {
    if (this.options.objective.made.accumulation) clearSums(this.executor, this.store);
  }

  #at = (step: number) => ({ step, rate: rateAt(step, this.options.schedule) });

  async #update(): Promise<void> {
    await this.updater.run(this.#at(this.#step + 1));
    this.#step++;
  }

  /** Repeats the updates from an earlier state. Runs the failed update one step of the plan at a time, to find the tensor. */
  async #diverged(step: number): Promise<Diverged> {
    const { name, rewind } = this.options, what = `${name}: training diverged at step ${step}`;
    const hint = "a lower rate may help";
    if (!rewind) return new Diverged(what, { got: "a loss or gradient norm that is not finite", hint });
    await rewind(this);
    const from = this.#step;
    while (this.#step < step - 1) await this.#update();
    const where = await this.updater.findNonFinite(this.#at(step));
    return new Diverged(what, {
      got: where ? inWords(where) : "a loss or gradient norm that is not finite; in a replay all numbers are finite",
      hint: from > 0 ? `the checkpoint of step ${from} is kept; ${hint}` : hint,
    });
  }
}

/** Loss scaling skips an update when its gradient overflows. That is a failure only when the scale cannot become smaller. */
function isSound({ loss, gradientNorm, skipped, lossScale }: Measures): boolean {
  const leftOut = skipped === 1 && lossScale !== undefined && lossScale > 1;
  return Number.isFinite(loss) && (leftOut || Number.isFinite(gradientNorm));
}
