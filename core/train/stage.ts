/** One stage of training of one model: the loop of updates, evaluations and checkpoints, resumable at every step. */
import type { StageConfig } from "../config/mod.ts";
import {
  type Evaluation,
  type MetricsLine,
  type PreferenceMeasures,
  type Quality,
  requireStageState,
  type StageName,
} from "../record/mod.ts";
import { type Disk, makeFolders, type MetricsLog, requireSpace } from "../disk/mod.ts";
import { Diverged, HymbaError, Interrupted } from "../errors.ts";
import { initialLossScale, LOSS_SCALE_STATE } from "../ops/loss_scale.ts";
import {
  type Json,
  type LoadedCheckpoint,
  loadLatest,
  removeOldCheckpoints,
  saveCheckpoint,
} from "../params/checkpoint.ts";
import type { ParameterStore } from "../params/store.ts";
import type { Tensor } from "../tensor/mod.ts";
import { type Executor, inWords, type Program } from "../plan/mod.ts";
import { replayTo } from "./replay.ts";
import { rateAt } from "./schedule.ts";
import { ADAMW } from "./plans.ts";
import { putSnapshot, snapshotBytes, takeSnapshot } from "./snapshot.ts";

/** What happens in a stage, for progress displays. */
export interface StageEvent {
  readonly kind: "step" | "evaluation" | "saved";
  readonly step: number;
  readonly steps: number;
  readonly loss?: number;
  readonly tokens_per_s?: number;
}

/** How the stage's plan is fed and read. */
export interface StageProgram {
  readonly program: Program;
  readonly schedule: Tensor;
  /** The state of loss scaling, where the plan scales its loss. */
  readonly lossScale?: Tensor;
  readonly tokensPerStep: number;
  /** Writes the inputs of an update; the first is step 1. */
  writeBatch(step: number): void;
  /** Names the numbers that one run put into the metrics. */
  metricsOf(
    values: Float32Array,
  ): Pick<
    MetricsLine,
    "loss" | "gradientNorm" | "lossScale" | "skipped" | "nll" | "logSigmoid" | "logOdds" | "accuracy" | "margin"
  >;
}

export interface StageContext {
  readonly executor: Executor;
  readonly store: ParameterStore;
  readonly disk: Disk;
  /** Where the checkpoints of this arm are. */
  readonly folder: string;
  readonly log: MetricsLog;
  readonly arm: string;
  readonly seed: number;
  readonly stage: StageName;
  readonly config: StageConfig;
  readonly signal?: AbortSignal;
  onEvent?(event: StageEvent): void;
  /** Puts back the weights that the stage began with, and no moments. */
  restart(): Promise<void>;
  /**
   * Throws Interrupted when the signal aborts it; it is done again when the stage goes on. Throws Diverged when a
   * log-probability is no number.
   */
  evaluate(): Promise<Quality>;
  /** Held-out preference measures; only in preference stages. */
  prefer?(step: number): Promise<PreferenceMeasures>;
}

/** What a stage carries from step to step besides weights and moments. */
interface Carried {
  best: Evaluation | null;
  last: Evaluation | null;
  before: PreferenceMeasures | null;
  after: PreferenceMeasures | null;
  train_s: number;
}

/** A place between two updates. */
interface At {
  step: number;
  carried: Carried;
}

export interface StageOutcome extends Carried {
  readonly tokens: number;
}

/** Updates between two looks at the metrics: each look waits for the device. */
const DRAIN_EVERY = 10;

/**
 * Runs the stage from its newest checkpoint, or from the weights that the executor holds now. Throws a HymbaError before the
 * first step when the disk has no room for a checkpoint.
 */
export async function runStage(made: StageProgram, context: StageContext): Promise<StageOutcome> {
  const { steps, evaluateEvery } = context.config;
  await makeFolders(context.disk, context.folder);
  await requireSpace(context.disk, context.folder, snapshotBytes(context.store));
  const found = await loadLatest(context.disk, context.folder, { stage: context.stage });
  let step = 0, carried: Carried = { best: null, last: null, before: null, after: null, train_s: 0 };
  if (found) {
    await removeOldCheckpoints(context.disk, context.folder);
    carried = restore(made, context, found);
    step = found.step;
  } else if (context.prefer) {
    const { arm, seed, stage, log } = context, before = await context.prefer(0);
    await log.append({ arm, seed, stage, kind: "preference", ...before });
    carried = { ...carried, before };
  }
  if (!found && made.lossScale) context.executor.write(made.lossScale, initialLossScale());
  let drained = step;
  for (;;) {
    const due = step > 0 && (step % evaluateEvery === 0 || step === steps);
    if (due && carried.last?.step !== step) {
      carried = await evaluateAt(made, context, { step, carried });
      await save(made, context, { step, carried });
    }
    if (step === steps) break;
    if (context.signal?.aborted) await stop(made, context, { step, carried });
    const start = performance.now();
    const next = Math.min(steps, nextMultiple(step, DRAIN_EVERY), nextMultiple(step, evaluateEvery));
    while (step < next && !context.signal?.aborted) {
      writeStep(made, context, ++step);
      await made.program.run();
    }
    const runs = await made.program.drainMetrics();
    const seconds = (performance.now() - start) / 1000;
    carried.train_s += seconds;
    await record(made, context, { runs, from: drained, tokens_per_s: runs.length * made.tokensPerStep / seconds });
    drained = step;
  }
  return { ...carried, tokens: steps * made.tokensPerStep };
}

/** Puts weights, moments and the loss scale of a checkpoint back. Throws a HymbaError when it is not a stage's. */
function restore(made: StageProgram, { executor, store }: StageContext, found: LoadedCheckpoint): Carried {
  requireStageState(found.state, `${found.path}: state`);
  const { lossScale, ...carried } = found.state as unknown as Carried & { lossScale?: number[] };
  putSnapshot(executor, store, found);
  if (made.lossScale && lossScale?.length !== LOSS_SCALE_STATE) {
    throw new HymbaError(`${found.path} does not hold the loss scale that training in f16 goes on with`);
  }
  if (made.lossScale) executor.write(made.lossScale, Float32Array.from(lossScale!));
  return carried;
}

const nextMultiple = (step: number, of: number) => (Math.floor(step / of) + 1) * of;

function writeStep(made: StageProgram, { config }: StageContext, step: number): void {
  made.writeBatch(step);
  const corrections = [1 - ADAMW.beta1 ** step, 1 - ADAMW.beta2 ** step];
  made.program.write(made.schedule, Float32Array.of(rateAt(step, config), ...corrections, 0));
}

async function record(
  made: StageProgram,
  context: StageContext,
  { runs, from, tokens_per_s }: { runs: readonly Float32Array[]; from: number; tokens_per_s: number },
): Promise<void> {
  const { arm, seed, stage, config, log } = context;
  for (const [i, values] of runs.entries()) {
    const step = from + i + 1, measured = made.metricsOf(values);
    const skipped = measured.skipped === 1 && measured.lossScale! > 1;
    if (!Number.isFinite(measured.loss) || !(skipped || Number.isFinite(measured.gradientNorm))) {
      throw await diverged(made, context, step);
    }
    const line: MetricsLine = {
      arm,
      seed,
      stage,
      step,
      kind: "train",
      ...measured,
      rate: rateAt(step, config),
      tokens_per_s,
    };
    await log.append({ ...line });
    context.onEvent?.({ kind: "step", step, steps: config.steps, loss: measured.loss, tokens_per_s });
  }
}

/** Measures first and writes then: a measurement that is stopped leaves no line, and the stage goes on with it. */
async function evaluateAt(made: StageProgram, context: StageContext, { step, carried }: At): Promise<Carried> {
  const { arm, seed, stage, config, log } = context;
  const measured = await measureOrStop(made, context, { step, carried });
  const last: Evaluation = { step, ...measured.quality };
  await log.append({
    arm,
    seed,
    stage,
    step,
    kind: "evaluation",
    loss: last.loss,
    perplexity: last.perplexity,
    bitsPerByte: last.bitsPerByte,
  });
  const { after } = measured;
  if (after) await log.append({ arm, seed, stage, kind: "preference", ...after });
  context.onEvent?.({ kind: "evaluation", step, steps: config.steps, loss: last.loss });
  return { ...carried, last, best: carried.best && carried.best.loss <= last.loss ? carried.best : last, after };
}

async function measureOrStop(
  made: StageProgram,
  context: StageContext,
  at: At,
): Promise<{ quality: Quality; after: PreferenceMeasures | null }> {
  try {
    return { quality: await context.evaluate(), after: context.prefer ? await context.prefer(at.step) : null };
  } catch (error) {
    if (error instanceof Interrupted) return await stop(made, context, { ...at, where: "evaluating" });
    if (!(error instanceof Diverged)) throw error;
    const { arm, stage } = context;
    throw new Diverged(`${arm}, ${stage}: diverged at step ${at.step}: ${error.message}`, { cause: error });
  }
}

async function save(made: StageProgram, context: StageContext, { step, carried }: At): Promise<void> {
  const { executor, store, disk, folder, stage, log, config } = context;
  const groups = await takeSnapshot(executor, store);
  const scaling = made.lossScale && { lossScale: [...await executor.read(made.lossScale)] };
  const score = carried.last?.step === step ? carried.last.loss : undefined;
  await saveCheckpoint(disk, folder, {
    stage,
    step,
    score,
    groups,
    state: { ...carried, ...scaling } as unknown as Json,
    log: await log.sync(),
  });
  context.onEvent?.({ kind: "saved", step, steps: config.steps });
}

async function stop(
  made: StageProgram,
  context: StageContext,
  { where = "at", ...at }: At & { where?: string },
): Promise<never> {
  await save(made, context, at);
  throw new Interrupted(
    `stopped ${where} step ${at.step} of ${context.config.steps} (${context.arm}, ${context.stage}); everything is saved`,
  );
}

/** Goes back to the newest checkpoint, or to the start, replays to the step that failed and names the first tensor that is not finite. */
async function diverged(made: StageProgram, context: StageContext, step: number): Promise<Diverged> {
  const { arm, stage, executor, disk, folder } = context;
  const found = await loadLatest(disk, folder, { stage });
  if (found) restore(made, context, found);
  else await context.restart();
  if (!found && made.lossScale) executor.write(made.lossScale, initialLossScale());
  const write = (again: number) => writeStep(made, context, again);
  const where = await replayTo(made.program, { write, from: found?.step ?? 0, step });
  return new Diverged(`${arm}, ${stage}: training diverged at step ${step}`, {
    got: where ? inWords(where) : "a loss or gradient norm that is no number, and none in a replay",
    hint: found ? `the checkpoint of step ${found.step} is kept; a lower rate may help` : "a lower rate may help",
  });
}
