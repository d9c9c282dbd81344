/**
 * This folder: benchmarks of peaks, kernels, steps and memory, and tuning.
 * The training speed of one model: whole steps, and the parts of a step.
 */
import type { ActivationConfig, Arm } from "../config/mod.ts";
import { CpuExecutor } from "../cpu/mod.ts";
import { type Checked, number, object, optional, readAs } from "../file_schema.ts";
import { initialLossScale } from "../ops/loss_scale.ts";
import { parameterCount } from "../params/specs.ts";
import { ParameterStore } from "../params/store.ts";
import type { Executor, Plan, Profile, Program } from "../plan/mod.ts";
import { fillUniform } from "../random.ts";
import { feed, type Objective, textObjective } from "../train/objective.ts";
import { type TrainingPlan, trainingPlan } from "../train/plans.ts";
import { WebgpuExecutor } from "../webgpu/mod.ts";
import { everyTime, type Once } from "./once.ts";
import { time } from "./timing.ts";

/** One profiled training step. */
export interface Traced {
  readonly arm: string;
  readonly plan: Plan;
  readonly profile: Profile;
}

/** The measurements of one model. `--json` prints these names. */
export interface StepReport {
  readonly arm: string;
  readonly parameters: number;
  /** Text tokens per second, in the best run. */
  readonly tokens_per_s: number;
  readonly median_tokens_per_s: number;
  /** Milliseconds per step, in the best run. */
  readonly step_ms: number;
  /** Best times of three parts of a step: up to the loss, from there to AdamW, and the rest. */
  readonly forward_ms: number;
  readonly backward_ms: number;
  readonly optimizer_ms: number;
  /**
   * Milliseconds per step, over all timed runs, in which the host encodes and submits the dispatches (host_encode_ms) and waits
   * for the device (wait_ms). Null where the host itself computes.
   */
  readonly host_encode_ms: number | null;
  readonly wait_ms: number | null;
  /** host_encode_ms as a share of the mean time of a step. */
  readonly host_encode_share: number | null;
  /** Multiplications and additions of the formulas (10⁹ per second). */
  readonly gflop_per_s: number;
  /** Steps of the plan. */
  readonly steps: number;
  /** Kernel launches of these steps. */
  readonly dispatches: number;
  /** Compiled kernels; 0 on an executor that compiles none. */
  readonly pipelines: number;
  /** Largest number of bytes in use at one time, with parameters, gradients and moments. */
  readonly planned_bytes: number;
  /** Allocated bytes, with parameters, gradients and moments. */
  readonly allocated_bytes: number;
  /** Seconds to prepare the plan: compile kernels and assign memory. */
  readonly prepare_s: number;
  /** Seconds of the first step. Some drivers compile only then. */
  readonly first_step_s: number;
}

/** A report, and one profiled step if requested and supported by the executor. */
export interface StepBench {
  readonly report: StepReport;
  readonly traced?: Traced;
}

/** What a measured step is made of. */
export interface StepSize extends ActivationConfig {
  readonly B: number;
  readonly T: number;
  /** Timed runs per measurement. */
  readonly runs: number;
  /** Whether to profile one more step. */
  readonly trace?: boolean;
  /** Keeps the three measurements of a step: `whole`, `gradients` and `forward`. Default: nothing is kept. */
  readonly once?: Once;
  /** Called with what is known as soon as the whole step has been measured. */
  onWhole?(known: WholeReport): Promise<void>;
}

/** The report of a step whose parts have not been measured yet. */
export type WholeReport = Omit<StepReport, "forward_ms" | "backward_ms" | "optimizer_ms">;

/** The learning rate of the timed updates. It is small, so that the model hardly changes. */
const RATE = 1e-4;

/** Times training steps of a model on random tokens. The losses have no meaning, but values do not influence the time. */
export async function benchStep(executor: Executor, arm: Arm, size: StepSize): Promise<StepBench> {
  const { B, T, remat, precision, runs, once = everyTime } = size, { name, config } = arm;
  const store = new ParameterStore(config);
  store.initialise(executor, 1);
  executor.write(store.lossScale, initialLossScale());
  const made = trainingPlan(store, { B, T, decay: 0.1, remat, precision }), { plan } = made;
  const objective = benchObjective(made, { V: config.vocabSize }), { loss, update } = partsOf(plan);
  const part = (what: string, steps: Plan, onTimed?: (program: Program) => Promise<void>) =>
    once(what, { as: asMeasured, measure: () => measure(executor, { plan: steps, objective, runs, onTimed }) });
  let profile: Profile | undefined;
  try {
    const whole = await part("whole", plan, async (program) => {
      if (size.trace) profile = await program.profile?.();
    });
    const known = wholeReport(executor, arm, { plan, whole, tokens: B * T });
    await size.onWhole?.(known);
    const gradients = await part("gradients", firstSteps(plan, update));
    const forward = await part("forward", firstSteps(plan, loss));
    const report: StepReport = {
      ...known,
      forward_ms: 1000 * forward.best,
      backward_ms: 1000 * Math.max(0, gradients.best - forward.best),
      optimizer_ms: 1000 * Math.max(0, whole.best - gradients.best),
    };
    return { report, ...(profile && { traced: { arm: name, plan, profile } }) };
  } finally {
    store.release(executor);
  }
}

/** What the measurement of the whole step tells. */
function wholeReport(
  executor: Executor,
  { name, config }: Arm,
  { plan, whole, tokens }: { plan: Plan; whole: Measured; tokens: number },
): WholeReport {
  const { best, median, host, memory, prepare_s, first } = whole;
  return {
    arm: name,
    parameters: parameterCount(config),
    tokens_per_s: tokens / best,
    median_tokens_per_s: tokens / median,
    step_ms: 1000 * best,
    host_encode_ms: host ? 1000 * host.encode : null,
    wait_ms: host ? 1000 * host.wait : null,
    host_encode_share: host ? host.encode / host.mean : null,
    gflop_per_s: plan.steps.reduce((sum, { flops }) => sum + flops, 0) / best / 1e9,
    steps: plan.steps.length,
    dispatches: dispatches(executor, plan),
    pipelines: executor instanceof WebgpuExecutor ? executor.pipelinesOf(plan) : 0,
    planned_bytes: memory.peakBytes + memory.arenaBytes,
    allocated_bytes: memory.slotBytes + memory.arenaBytes,
    prepare_s,
    first_step_s: first,
  };
}

const amount = number({ min: 0 });

/** One measurement of a plan: seconds and bytes. */
const measured = object({
  prepare_s: amount,
  first: amount,
  best: amount,
  median: amount,
  memory: object({ slotBytes: amount, peakBytes: amount, arenaBytes: amount }),
  host: optional(object({ encode: amount, wait: amount, mean: amount })),
});
type Measured = Checked<typeof measured>;
const asMeasured = (value: unknown, path: string): Measured => readAs(measured, value, path);

/** Where the parts of a training plan end: steps up to the loss, and steps before the optimiser. */
export const partsOf = ({ steps, forwardSteps }: Plan): { loss: number; update: number } => ({
  loss: forwardSteps,
  update: steps.findIndex(({ op }) => op.phase === "update"),
});

/** The first `count` steps of a plan. Tensors that later steps read are outputs, so that memory use is that of the whole plan. */
function firstSteps(plan: Plan, count: number): Plan {
  const steps = plan.steps.slice(0, count), later = plan.steps.slice(count);
  const written = new Set(steps.flatMap(({ writes }) => Object.values(writes).map(({ storage }) => storage)));
  const outputs = later.flatMap(({ reads }) => Object.values(reads)).filter(({ storage }) =>
    written.has(storage) && !storage.pinned
  );
  return { ...plan, steps, outputs, metrics: plan.metrics.filter(({ storage }) => written.has(storage)) };
}

async function measure(
  executor: Executor,
  { plan, objective, runs, onTimed }: {
    plan: Plan;
    objective: Objective;
    runs: number;
    onTimed?: (program: Program) => Promise<void>;
  },
): Promise<Measured> {
  const start = performance.now(), program = await executor.prepare(plan);
  const prepare_s = (performance.now() - start) / 1000;
  try {
    feed(program, objective, { step: 1, rate: RATE });
    const timing = await time(program, { runs });
    await onTimed?.(program);
    return { prepare_s, memory: program.memory, ...timing };
  } finally {
    program.dispose();
  }
}

/** Random tokens below `V`, and the token after each. */
export function benchTokens({ B, T, V }: { B: number; T: number; V: number }) {
  const drawn = fillUniform(new Float32Array(B * T + 1), { seed: 1, stream: 100, step: 0 }, { low: 0, high: V });
  const tokens = Uint32Array.from(drawn, (x) => Math.min(V - 1, Math.floor(x)));
  return { ids: tokens.slice(0, B * T), targets: tokens.slice(1) };
}

/** A batch of random tokens below `V`, in which every target counts. */
export function benchObjective(made: TrainingPlan, { V }: { V: number }): Objective {
  const [B, T] = made.ids.shape as [number, number];
  const batch = { ...benchTokens({ B, T, V }), weight: new Float32Array(B * T).fill(1) };
  return textObjective(made, { at: () => batch });
}

/** Number of kernel launches. An executor without kernels has one per step. */
const dispatches = (executor: Executor, plan: Plan): number =>
  executor instanceof CpuExecutor || executor instanceof WebgpuExecutor
    ? executor.lower(plan).length
    : plan.steps.length;
