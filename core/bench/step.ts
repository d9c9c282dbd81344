/** How fast one model trains: whole steps, and the parts of a step. */
import type { ActivationConfig, Arm } from "../config/mod.ts";
import { CpuExecutor } from "../cpu/mod.ts";
import { initialLossScale } from "../ops/loss_scale.ts";
import { ParameterStore } from "../params/store.ts";
import type { Executor, Plan, Profile, Program } from "../plan/mod.ts";
import { fillUniform } from "../random.ts";
import { ADAMW, type TrainingPlan, trainingPlan } from "../train/plans.ts";
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

/** Trains `arm` on random tokens for a moment. Numbers do not change the time, so the losses mean nothing. */
export async function benchStep(executor: Executor, { name, config }: Arm, size: Size): Promise<StepBench> {
  const store = new ParameterStore(config);
  store.initialise(executor, 1);
  executor.write(store.lossScale, initialLossScale());
  const made = trainingPlan(store, { B: size.B, T: size.T, decay: 0.1, remat: size.remat, precision: size.precision }),
    { plan } = made;
  try {
    const { loss, update } = partsOf(plan), V = config.vocabSize;
    const whole = await measure(executor, { plan, made, size, V });
    const gradients = await measure(executor, {
      plan: firstSteps(plan, update),
      made,
      size: { ...size, trace: false },
      V,
    });
    const forward = await measure(executor, { plan: firstSteps(plan, loss), made, size: { ...size, trace: false }, V });
    const tokens = size.B * size.T, flops = plan.steps.reduce((sum, step) => sum + step.flops, 0);
    const report: StepReport = {
      arm: name,
      parameters: store.specs.reduce((sum, { shape }) => sum + shape.reduce((product, n) => product * n, 1), 0),
      tokens_per_s: tokens / whole.best,
      median_tokens_per_s: tokens / whole.median,
      step_ms: 1000 * whole.best,
      forward_ms: 1000 * forward.best,
      backward_ms: 1000 * Math.max(0, gradients.best - forward.best),
      optimizer_ms: 1000 * Math.max(0, whole.best - gradients.best),
      host_encode_ms: whole.host ? 1000 * whole.host.encode : null,
      wait_ms: whole.host ? 1000 * whole.host.wait : null,
      host_encode_share: whole.host ? whole.host.encode / whole.host.mean : null,
      gflop_per_s: flops / whole.best / 1e9,
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
  { plan, made, size, V }: { plan: Plan; made: TrainingPlan; size: Size; V: number },
) {
  const start = performance.now(), program = await executor.prepare(plan);
  const prepare_s = (performance.now() - start) / 1000;
  try {
    feed(program, made, { ...size, V });
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

/** Random tokens below `V`, all counted, and one step of the schedule. */
export function feed(
  program: Program,
  { ids, targets, weight, schedule }: TrainingPlan,
  { B, T, V, learningRate = 1e-4 }: { B: number; T: number; V: number; learningRate?: number },
): void {
  const tokens = benchTokens({ B, T, V });
  program.write(ids, tokens.ids);
  program.write(targets, tokens.targets);
  program.write(weight, new Float32Array(B * T).fill(1));
  program.write(schedule, Float32Array.of(learningRate, 1 - ADAMW.beta1, 1 - ADAMW.beta2, 0));
}

/** Launches of kernels; an executor without kernels carries a step out as it is. */
const dispatches = (executor: Executor, plan: Plan): number =>
  executor instanceof CpuExecutor || executor instanceof WebgpuExecutor
    ? executor.lower(plan).length
    : plan.steps.length;
