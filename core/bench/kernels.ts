/** The speed of each kernel of a training step, measured alone, as a share of the adapter's limit. */
import type { ActivationConfig, Arm } from "../config/mod.ts";
import { UsageError } from "../errors.ts";
import { ParameterStore } from "../params/store.ts";
import type { Executor, Plan } from "../plan/mod.ts";
import type { Step } from "../tensor/mod.ts";
import { trainingPlan } from "../train/plans.ts";
import { type Contents, drawnContents, fill, singleStep } from "./single_step.ts";
import { bindingRoof, type Cost, costOf, leastSeconds, type Roof, type Roofline, secondsOf } from "./cost.ts";
import { benchPeaks, type PeaksReport } from "./peaks.ts";
import { partsOf } from "./step.ts";
import { kernelTime } from "./timing.ts";
import { failingOps } from "./failing_ops.ts";
import { everyTime, type Once, secondsOnce } from "./once.ts";

export type Pass = "forward" | "backward" | "optimizer";

/** One kernel at one shape. `--json` prints these names. */
export interface KernelReport {
  readonly op: string;
  readonly pass: Pass;
  readonly attributes: Readonly<Record<string, number>>;
  /** How often it occurs in a training step. */
  readonly times: number;
  readonly ms: number;
  readonly gflop_per_s: number;
  readonly gb_per_s: number;
  /** The least possible time divided by the measured time. Above 1 the data came from a cache, not from memory. */
  readonly roofline_share: number;
  /** The limit with the largest share. */
  readonly bound_by: Roof;
  /** The share of each limit: multiply-adds, memory, exponentials. */
  readonly shares: Readonly<Record<Roof, number>>;
}

export interface KernelsReport {
  readonly peaks: PeaksReport;
  readonly kernels: readonly KernelReport[];
  /** Ops whose results differ from the float64 reference on this executor. They are not timed. */
  readonly refused: readonly { readonly op: string; readonly error: number }[];
  /** Kernels that were left out because the time was up. */
  readonly not_timed: number;
}

interface Options extends Pick<ActivationConfig, "precision"> {
  readonly B: number;
  readonly T: number;
  readonly runs: number;
  /** The ops to measure. Default: all. */
  readonly ops?: readonly string[];
  /** The peaks of the adapter, if they are known. Default: they are measured. */
  readonly peaks?: PeaksReport | undefined;
  /** Keeps the check of each step, the peaks where they are measured here, and the time of each kernel. Default: nothing is kept. */
  readonly once?: Once;
  /** When it becomes true, no further kernel is measured. */
  isOver?(): boolean;
  /** Called with what has been measured so far. */
  onKernel?(report: KernelsReport): Promise<void>;
}

/** Steps of a plan that do the same work. */
export interface Kind {
  /** What makes it a kind of its own: op, pass, attributes, strides and accumulation. */
  readonly key: string;
  readonly step: Step;
  readonly pass: Pass;
  times: number;
}

/** A step with less work than this is repeated within a run, so that the time of the submit does not matter. */
const REPEATED = 16, FEW_FLOPS = 1e8, FEW_BYTES = 1e8;

/** Checks and then times the kernels of one model's training step. Throws a UsageError for an op that the step does not have. */
export async function benchKernels(executor: Executor, arm: Arm, options: Options): Promise<KernelsReport> {
  const store = new ParameterStore(arm.config), { B, T, runs, precision, once = everyTime } = options;
  const { plan } = trainingPlan(store, { B, T, decay: 0.1, precision });
  const kinds = kindsOf(plan, options.ops),
    contents = drawnContents(plan.constants, {
      V: arm.config.vocabSize,
      steps: plan.steps,
    });
  const ops = new Set(kinds.map(({ step }) => step.op.name));
  const refused = await failingOps(executor, arm.config.archType, { ops, precision, once });
  const peaks = options.peaks ?? await benchPeaks(executor, { runs, once }), peak = rooflineOf(peaks);
  const wanted = kinds.filter(({ step }) => !refused.some(({ op }) => op === step.op.name)),
    kernels: KernelReport[] = [];
  const report = (): KernelsReport => ({ peaks, kernels, refused, not_timed: wanted.length - kernels.length });
  for (const { key, step, pass, times } of wanted) {
    if (options.isOver?.()) break;
    const cost = costOf(step);
    const seconds = await secondsOnce(once, key, () => timeStep(executor, step, { contents, runs, cost }));
    kernels.push({
      op: step.op.name,
      pass,
      attributes: step.attributes,
      times,
      ms: 1000 * seconds,
      gflop_per_s: cost.flops / seconds / 1e9,
      gb_per_s: cost.bytes / seconds / 1e9,
      roofline_share: leastSeconds(cost, peak) / seconds,
      bound_by: bindingRoof(cost, peak),
      shares: sharesOf(cost, peak, seconds),
    });
    await options.onKernel?.(report());
  }
  return report();
}

/** The limits of an adapter from its measured peaks. If a product is faster than the multiply-add probe, its rate is the limit. */
const rooflineOf = (peaks: PeaksReport): Roofline => ({
  flops: 1e9 * Math.max(peaks.multiply_add_gflop_per_s ?? 0, peaks.matmul_gflop_per_s),
  bytes: 1e9 * peaks.copy_gb_per_s,
  exponentials: 1e9 * (peaks.exponential_g_per_s ?? Infinity),
});

function sharesOf(cost: Cost, peak: Roofline, seconds: number): Record<Roof, number> {
  const { flops, bytes, exponentials } = secondsOf(cost, peak);
  return { flops: flops / seconds, bytes: bytes / seconds, exponentials: exponentials / seconds };
}

/** The kinds of steps in a training plan, in order. Throws a UsageError for an op that the plan does not have. */
export function kindsOf(plan: Plan, ops: readonly string[] | undefined): Kind[] {
  const { steps } = plan, { loss, update } = partsOf(plan);
  const unknown = ops?.find((op) => !steps.some((step) => step.op.name === op));
  if (unknown !== undefined) {
    const expected = [...new Set(steps.map(({ op }) => op.name))].sort().join(", ");
    throw new UsageError(`this training step has no op ${JSON.stringify(unknown)}`, { expected });
  }
  const kinds = new Map<string, Kind>();
  for (const [at, step] of steps.entries()) {
    if (ops && !ops.includes(step.op.name)) continue;
    const pass = at < loss ? "forward" : at < update ? "backward" : "optimizer";
    const strides = [step.reads, step.writes].map((all) => Object.values(all).map(({ rowStride }) => rowStride));
    const key = JSON.stringify([step.op.name, pass, step.attributes, strides, step.accumulate]), found = kinds.get(key);
    if (found) found.times++;
    else kinds.set(key, { key, step, pass, times: 1 });
  }
  return [...kinds.values()];
}

async function timeStep(
  executor: Executor,
  step: Step,
  { contents, runs, cost }: { contents: Contents; runs: number; cost: Cost },
): Promise<number> {
  const count = cost.flops < FEW_FLOPS && cost.bytes < FEW_BYTES ? REPEATED : 1, single = singleStep(step, { count });
  const program = await executor.prepare(single.plan);
  try {
    fill(program, single, contents);
    return await kernelTime(program, { runs }) / count;
  } finally {
    program.dispose();
    for (const arena of single.arenas) executor.release(arena);
  }
}
