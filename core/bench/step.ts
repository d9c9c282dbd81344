/** The training speed of one model: whole steps, and the parts of a step. */
import type { ActivationConfig, Arm } from "../config/mod.ts";
import { CpuExecutor } from "../cpu/mod.ts";
import { initialLossScale } from "../ops/loss_scale.ts";
import { parameterCount } from "../params/specs.ts";
import { ParameterStore } from "../params/store.ts";
import type { Executor, Plan, Profile } from "../plan/mod.ts";
import { fillUniform } from "../random.ts";
import { feed, type Objective, textObjective } from "../train/objective.ts";
import { type TrainingPlan, trainingPlan } from "../train/plans.ts";
import { WebgpuExecutor } from "../webgpu/mod.ts";
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
}

/** The learning rate of the timed updates. It is small, so that the model hardly changes. */
const RATE = 1e-4;

/** Times training steps of a model on random tokens. The losses have no meaning, but values do not influence the time. */
export async function benchStep(executor: Executor, { name, config }: Arm, size: StepSize): Promise<StepBench> {
  const { B, T, remat, precision } = size, store = new ParameterStore(config);
  store.initialise(executor, 1);
  executor.write(store.lossScale, initialLossScale());
  const made = trainingPlan(store, { B, T, decay: 0.1, remat, precision }), { plan } = made;
  const objective = benchObjective(made, { V: config.vocabSize }), { loss, update } = partsOf(plan);
  const measured = (plan: Plan, trace?: boolean) => measure(executor, { plan, objective, size: { ...size, trace } });
  try {
    const whole = await measured(plan, size.trace);
    const gradients = await measured(firstSteps(plan, update));
    const forward = await measured(firstSteps(plan, loss));
    const report: StepReport = {
      arm: name,
      parameters: parameterCount(config),
      ...times(plan, { whole, gradients, forward, tokens: B * T }),
      steps: plan.steps.length,
      dispatches: dispatches(executor, plan),
      pipelines: executor instanceof WebgpuExecutor ? executor.pipelinesOf(plan) : 0,
      planned_bytes: whole.memory.peakBytes + whole.memory.arenaBytes,
      allocated_bytes: whole.memory.slotBytes + whole.memory.arenaBytes,
      prepare_s: whole.prepare_s,
      first_step_s: whole.first,
    };
    return { report, ...(whole.profile && { traced: { arm: name, plan, profile: whole.profile } }) };
  } finally {
    store.release(executor);
  }
}

/** The speed of the whole step and the times of its parts. */
function times(
  { steps }: Plan,
  { whole, gradients, forward, tokens }: { whole: Measured; gradients: Measured; forward: Measured; tokens: number },
) {
  const { best, median, host } = whole;
  return {
    tokens_per_s: tokens / best,
    median_tokens_per_s: tokens / median,
    step_ms: 1000 * best,
    forward_ms: 1000 * forward.best,
    backward_ms: 1000 * Math.max(0, gradients.best - forward.best),
    optimizer_ms: 1000 * Math.max(0, best - gradients.best),
    host_encode_ms: host ? 1000 * host.encode : null,
    wait_ms: host ? 1000 * host.wait : null,
    host_encode_share: host ? host.encode / host.mean : null,
    gflop_per_s: steps.reduce((sum, { flops }) => sum + flops, 0) / best / 1e9,
  };
}

type Measured = Awaited<ReturnType<typeof measure>>;

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
  { plan, objective, size }: { plan: Plan; objective: Objective; size: StepSize },
) {
  const start = performance.now(), program = await executor.prepare(plan);
  const prepare_s = (performance.now() - start) / 1000;
  try {
    feed(program, objective, { step: 1, rate: RATE });
    const timing = await time(program, size), profile = size.trace ? await program.profile?.() : undefined;
    return { prepare_s, memory: program.memory, profile, ...timing };
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
