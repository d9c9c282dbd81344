/** How fast one model trains: whole steps, and the parts of a step. */
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

/** One model's measurements, with the names that `--json` prints. */
export interface StepReport {
  readonly arm: string;
  readonly parameters: number;
  /** Text tokens a second, of the best run. */
  readonly tokens_per_s: number;
  readonly median_tokens_per_s: number;
  /** Milliseconds of one step, of the best run. */
  readonly step_ms: number;
  /** Best times of the step cut off after the loss, between there and AdamW, and the rest. */
  readonly forward_ms: number;
  readonly backward_ms: number;
  readonly optimizer_ms: number;
  /**
   * Of a step, from all timed runs: the host putting the list of dispatches together and handing it over, and the host waiting
   * for the device. Null where the host computes itself.
   */
  readonly host_encode_ms: number | null;
  readonly wait_ms: number | null;
  /** host_encode_ms in the mean time of a step. */
  readonly host_encode_share: number | null;
  /** Multiplications and additions that the mathematics needs, in 10⁹ a second. */
  readonly gflop_per_s: number;
  /** Steps of the plan, and launches of kernels that they became. */
  readonly steps: number;
  readonly dispatches: number;
  /** Compiled kernels that those need; 0 on an executor that compiles none. */
  readonly pipelines: number;
  /** Most bytes alive at one time, and bytes that were allocated; both with parameters, gradients and moments. */
  readonly planned_bytes: number;
  readonly allocated_bytes: number;
  /** Seconds to make the plan ready: kernels compiled, memory assigned. */
  readonly prepare_s: number;
  /** Seconds of the first step, in which drivers compile what they had put off. */
  readonly first_step_s: number;
}

/** A report, and one profiled step where that was asked for and the executor can. */
export interface StepBench {
  readonly report: StepReport;
  readonly traced?: Traced;
}

interface Size extends ActivationConfig {
  readonly B: number;
  readonly T: number;
  /** Timed runs of each measurement. */
  readonly runs: number;
  /** Whether one more step is profiled. */
  readonly trace?: boolean;
}

/** Of the timed updates; small, so that the model stays near its start. */
const RATE = 1e-4;

/** Trains `arm` on random tokens for a moment. The time does not depend on the numbers, so the losses mean nothing. */
export async function benchStep(executor: Executor, { name, config }: Arm, size: Size): Promise<StepBench> {
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

/** Speeds of the whole step and times of its parts. */
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
export const partsOf = ({ steps }: Plan): { loss: number; update: number } => ({
  loss: steps.findIndex(({ op }) => op === "nll_loss_forward") + 1,
  update: steps.findIndex(({ op }) => op === "gradient_norm"),
});

/** The plan cut off after `count` steps. What later steps read stays alive, so that memory is used as in the whole plan. */
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
  { plan, objective, size }: { plan: Plan; objective: Objective; size: Size },
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

/** Random tokens below `V`, and what follows each. */
export function benchTokens({ B, T, V }: { B: number; T: number; V: number }) {
  const drawn = fillUniform(new Float32Array(B * T + 1), { seed: 1, stream: 100, step: 0 }, { low: 0, high: V });
  const tokens = Uint32Array.from(drawn, (x) => Math.min(V - 1, Math.floor(x)));
  return { ids: tokens.slice(0, B * T), targets: tokens.slice(1) };
}

/** Next-token training on one batch of random tokens below `V`, all counted. */
export function benchObjective(made: TrainingPlan, { V }: { V: number }): Objective {
  const [B, T] = made.ids.shape as [number, number];
  const batch = { ...benchTokens({ B, T, V }), weight: new Float32Array(B * T).fill(1) };
  return textObjective(made, { at: () => batch });
}

/** Launches of kernels; an executor without kernels runs each step at once. */
const dispatches = (executor: Executor, plan: Plan): number =>
  executor instanceof CpuExecutor || executor instanceof WebgpuExecutor
    ? executor.lower(plan).length
    : plan.steps.length;
