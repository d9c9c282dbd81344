/**
 * This folder: plans and loops of training, with stages, schedule and the search for NaN.
 * One training stage of one model in a study: updates, evaluations, checkpoints and the metrics log. It can resume at every step.
 */
import {
  type Evaluation,
  type PreferenceMeasures,
  type Quality,
  type StageName,
  type StageState,
  stageStateOf,
} from "../record/mod.ts";
import { join } from "node:path";
import { type Disk, makeFolders, type MetricsLog, requireSpace } from "../disk/mod.ts";
import { Diverged, HymbaError, Interrupted } from "../errors.ts";
import { loadLatest, removeOldCheckpoints, saveCheckpoint } from "../params/checkpoint.ts";
import { snapshotBytes } from "./snapshot.ts";
import type { Trainer, TrainingStep } from "./trainer.ts";

/** An event of a stage, for progress displays. */
export interface StageEvent {
  readonly kind: "step" | "evaluation" | "saved";
  readonly step: number;
  readonly steps: number;
  readonly loss?: number;
  readonly tokens_per_s?: number;
}

/** Where the checkpoints of a stage are. */
export interface StagePlace {
  readonly disk: Disk;
  /** One folder for all stages of an arm. */
  readonly folder: string;
  readonly stage: StageName;
}

export interface StageContext extends StagePlace {
  readonly log: MetricsLog;
  /** The first fields of every line of the log. */
  readonly about: { readonly arm: string; readonly seed: number; readonly stage: StageName };
  /** Steps between evaluations; the last step is always evaluated. */
  readonly evaluateEvery: number;
  /** Steps between checkpoints; the last step always has one. Absent: one at each evaluation. */
  readonly checkpointEvery?: number;
  /** Steps from whose checkpoints other arms start; each is kept in `branchFolder(folder, step)`. */
  readonly branches?: readonly number[];
  readonly signal?: AbortSignal;
  onEvent?(event: StageEvent): void;
  /**
   * Measures the validation text. Throws Interrupted when the signal aborts; the stage then measures again when it resumes.
   * Throws Diverged when a log-probability is NaN or infinite.
   */
  evaluate(): Promise<Quality>;
  /** Measures preference on held-out pairs. Only preference stages have it. */
  prefer?(step: number): Promise<PreferenceMeasures>;
}

/** The folder of a checkpoint from which another arm starts. `folder`: that of the arm's checkpoints. */
export const branchFolder = (folder: string, step: number): string => join(folder, "..", "branches", String(step));

/** The state of a stage apart from that of its trainer. */
type Carried = Omit<StageState, "lossScale">;

export interface StageOutcome extends Readonly<Carried> {
  readonly best: Evaluation;
  readonly last: Evaluation;
}

/**
 * Restores the trainer from the newest checkpoint of a stage. Returns the state of the stage, or undefined when there is no
 * checkpoint. Throws a HymbaError for a damaged checkpoint.
 */
export async function restoreNewest(
  trainer: Trainer,
  { disk, folder, stage }: StagePlace,
): Promise<Carried | undefined> {
  const found = await loadLatest(disk, folder, { stage });
  if (!found) return undefined;
  const { lossScale, ...carried } = stageStateOf(found.state, `${found.path}: state`);
  trainer.restore({ step: found.step, groups: found.groups, lossScale });
  return carried;
}

/** The state before the first step; preference is measured there. */
async function begun({ prefer, log, about }: StageContext): Promise<Carried> {
  const carried: Carried = { best: null, last: null, before: null, after: null, train_s: 0 };
  if (!prefer) return carried;
  const before = await prefer(0);
  await log.append({ ...about, kind: "preference", ...before });
  return { ...carried, before };
}

/**
 * Runs the stage from its newest checkpoint, or from the weights on the executor when there is none. Throws a HymbaError before
 * the first step when the disk has no room for a checkpoint, Interrupted after saving, and Diverged.
 */
export async function runStage(trainer: Trainer, context: StageContext): Promise<StageOutcome> {
  const { disk, folder } = context;
  await makeFolders(disk, folder);
  await requireSpace(disk, folder, snapshotBytes(trainer.store));
  const found = await restoreNewest(trainer, context);
  if (found) await removeOldCheckpoints(disk, folder);
  const run = new StageRun(trainer, context, found ?? await begun(context));
  await run.train();
  const { best, last } = run.carried;
  if (best && last) return { ...run.carried, best, last };
  throw new HymbaError(`${trainer.options.name}: the stage has no steps`, { expected: "at least one" });
}

const greatestCommonDivisor = (a: number, b: number): number => b === 0 ? a : greatestCommonDivisor(b, a % b);

class StageRun {
  constructor(private readonly trainer: Trainer, private readonly context: StageContext, public carried: Carried) {}

  async train(): Promise<void> {
    const { evaluateEvery, checkpointEvery = evaluateEvery, branches = [], signal } = this.context;
    const pauseEvery = greatestCommonDivisor(evaluateEvery, checkpointEvery);
    try {
      if (this.#due) await this.#evaluate(); // the stage was interrupted in this evaluation
      for await (const done of this.trainer.run({ signal, pauseEvery, pauseAt: branches })) {
        await this.#record(done);
        if (!done.paused) continue;
        if (this.#due) await this.#evaluate();
        else if (this.#keeps) await this.#save();
        if (branches.includes(done.step)) await this.#keepBranch(done.step);
      }
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      await this.#stop();
    }
  }

  /** Whether the current step still needs its evaluation. */
  get #due(): boolean {
    const { step, steps } = this.trainer, { last } = this.carried;
    return step > 0 && (step % this.context.evaluateEvery === 0 || step === steps) && last?.step !== step;
  }

  /** Whether the current step gets a checkpoint. */
  get #keeps(): boolean {
    const { step, steps } = this.trainer, { evaluateEvery, checkpointEvery = evaluateEvery } = this.context;
    return step === steps || step % checkpointEvery === 0;
  }

  async #record({ step, seconds, paused: _, ...measured }: TrainingStep): Promise<void> {
    const { about, log, onEvent } = this.context, { loss, tokens_per_s } = measured;
    this.carried = { ...this.carried, train_s: this.carried.train_s + seconds };
    await log.append({ ...about, step, kind: "train", ...measured });
    onEvent?.({ kind: "step", step, steps: this.trainer.steps, loss, tokens_per_s });
  }

  /** Measures everything before it writes a line: an interrupted evaluation leaves no line and is repeated on resume. */
  async #evaluate(): Promise<void> {
    const { about, log, onEvent } = this.context, { step, steps } = this.trainer, { best } = this.carried;
    const { quality, after } = await this.#measure(step), { loss, perplexity, bitsPerByte } = quality;
    await log.append({ ...about, step, kind: "evaluation", loss, perplexity, bitsPerByte });
    if (after) await log.append({ ...about, kind: "preference", ...after });
    onEvent?.({ kind: "evaluation", step, steps, loss });
    const last = { step, ...quality };
    this.carried = { ...this.carried, best: best && best.loss <= loss ? best : last, last, after };
    if (this.#keeps) await this.#save();
  }

  async #measure(step: number): Promise<{ quality: Quality; after: PreferenceMeasures | null }> {
    const { evaluate, prefer } = this.context;
    try {
      return { quality: await evaluate(), after: prefer ? await prefer(step) : null };
    } catch (error) {
      if (!(error instanceof Diverged)) throw error;
      throw new Diverged(`${this.trainer.options.name}: diverged at step ${step}: ${error.message}`, { cause: error });
    }
  }

  /** Keeps the checkpoint of this step for other arms. If the step is repeated after a stop, it is already kept. */
  async #keepBranch(step: number): Promise<void> {
    const { disk, folder, stage } = this.context, own = branchFolder(folder, step);
    if (!await loadLatest(disk, own, { stage })) await this.#save(own);
  }

  async #save(folder = this.context.folder): Promise<void> {
    const { disk, stage, log, onEvent } = this.context, { last } = this.carried;
    const { step, groups, ...scaling } = await this.trainer.snapshot();
    await saveCheckpoint(disk, folder, {
      stage,
      step,
      score: last?.step === step ? last.loss : undefined,
      groups,
      state: { ...this.carried, ...scaling },
      log: await log.sync(),
    });
    onEvent?.({ kind: "saved", step, steps: this.trainer.steps });
  }

  async #stop(): Promise<never> {
    const { options: { name }, step, steps } = this.trainer, where = this.#due ? "evaluating" : "at";
    await this.#save();
    throw new Interrupted(`stopped ${where} step ${step} of ${steps} (${name}); everything is saved`);
  }
}
