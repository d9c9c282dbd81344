/** The training plans. A plan is recorded once and replayed for every batch. */
import type { ActivationConfig, Precision } from "../config/mod.ts";
import { matmul } from "../ops/linear.ts";
import { at } from "../lists.ts";
import { nllLoss, orpoLoss } from "../ops/losses.ts";
import { lossScale, scaleOf } from "../ops/loss_scale.ts";
import { adamw, gradientNorm, SCHEDULE_LENGTH } from "../ops/optimizer.ts";
import { type ForwardOptions, targetLogp } from "../nn/model.ts";
import { UsageError } from "../errors.ts";
import type { ParameterSpec } from "../params/specs.ts";
import type { ParameterStore } from "../params/store.ts";
import { finish, type Plan, withHalfProducts, withPackedSaves, withRecomputedOutputs } from "../plan/mod.ts";
import { Tape, type Tensor, tensorOver } from "../tensor/mod.ts";
import { ADAMW, type Optimizer } from "./schedule.ts";

interface TextInputs {
  /** [rows, T] each. */
  readonly ids: Tensor;
  readonly targets: Tensor;
  /** The weight of each target, [rows, T]. */
  readonly weight: Tensor;
  /** Text tokens of an update: rows · T. */
  readonly tokensPerStep: number;
}

/** A recorded update: forward, backward, clipping and AdamW. */
export interface UpdatePlan extends TextInputs {
  readonly plan: Plan;
  /** [4], see scheduleVector. */
  readonly schedule: Tensor;
  /** Schedules with other rates, for parameters whose rate has a factor. */
  readonly scaledSchedules: readonly { readonly schedule: Tensor; readonly factor: number }[];
  /** Names of the first metrics of a run, one number each. In f16 the last two metrics are the loss scale and 1 for a skipped update. */
  readonly metricNames: readonly string[];
  readonly optimizer: Optimizer;
  /** The state of loss scaling. Only plans in f16 have it. */
  readonly lossScale?: Tensor;
  /**
   * Gradients of `count` batches are summed by `plan` above, and this plan makes the update. The first `means` metrics of a
   * batch are averaged, the others are kept one after another. If absent, one plan does both.
   */
  readonly accumulation?: { readonly count: number; readonly means: number; readonly plan: Plan };
}

/** Next-token training. */
export interface TrainingPlan extends UpdatePlan {
  readonly kind: "text";
  /** Multiplies loss and gradient. */
  readonly scale: number;
}

/** Preference training on n pairs: the chosen rows come first. */
export interface PreferencePlan extends UpdatePlan {
  readonly kind: "pairs";
  /** Pairs of an update. */
  readonly n: number;
  /** 1 on the tokens of a completion, [2n, T], or with accumulation of a part of the pairs. */
  readonly completion: Tensor;
}

function trainingTape(store: ParameterStore, { remat }: ActivationConfig): Tape {
  const { parameters, gradients } = store.arenas;
  return new Tape(true, [[parameters, gradients]], { recompute: remat });
}

/** The field of a configuration for a precision. f32 has no field. */
export const keptIn = (precision: Precision | undefined): Pick<ActivationConfig, "precision"> =>
  precision === undefined || precision === "f32" ? {} : { precision };

/** The plan with its saved activations in this precision. In f16, products may also round their operands to f16. */
export function storedIn(plan: Plan, precision: Precision | undefined): Plan {
  if (precision === undefined || precision === "f32") return plan;
  const packed = withPackedSaves(withRecomputedOutputs(plan), precision);
  return precision === "f16" ? withHalfProducts(packed) : packed;
}

function textInputs(tape: Tape, rows: number, T: number): TextInputs {
  return {
    ids: tape.input("ids", [rows, T], { dtype: "u32" }),
    targets: tape.input("targets", [rows, T], { dtype: "u32" }),
    weight: tape.input("weight", [rows, T]),
    tokensPerStep: rows * T,
  };
}

/** The options of an update of the weights. */
interface UpdateOptions {
  readonly decay: number;
  readonly optimizer?: Optimizer;
  /** The factor on the rate of a parameter. Default: 1 for all. Not with loss scaling (f16). */
  readonly rateFactor?: (spec: ParameterSpec) => number;
}

/**
 * Appends the backward pass of loss · scale, the gradient norm, clipping and AdamW for all parameters, and finishes the plan.
 * In f16 it adds loss scaling, and the metrics end with the report of `lossScale`.
 */
function finished(
  tape: Tape,
  { name, loss, metrics }: { name: string; loss: Tensor; metrics(norm: Tensor): readonly Tensor[] },
  { store, decay, scale = 1, optimizer = ADAMW, precision, rateFactor = () => 1 }:
    & Pick<ActivationConfig, "precision">
    & UpdateOptions
    & { store: ParameterStore; scale?: number },
): Pick<UpdatePlan, "plan" | "schedule" | "scaledSchedules" | "optimizer" | "lossScale" | "accumulation"> {
  const scaled = precision === "f16";
  tape.backward([[loss, scaled ? scaleOf(store.lossScale) : tape.constant("d loss", [1], Float32Array.of(scale))]]);
  const options = { store, decay, scale, optimizer, precision, rateFactor };
  const { metrics: all, ...made } = weightsMoved(tape, { norm: metrics, summed: false }, options);
  const plan = storedIn(finish(tape, { name: `${name} ${store.config.archType}`, metrics: all }), precision);
  return { plan, ...made };
}

/** Appends norm, clipping and AdamW for all parameters. `summed`: uses the sums of gradients instead of the gradients. */
function weightsMoved(
  tape: Tape,
  { norm: metrics, summed }: { norm(norm: Tensor): readonly Tensor[]; summed: boolean },
  { store, decay, scale, optimizer = ADAMW, precision, rateFactor = () => 1 }:
    & Pick<ActivationConfig, "precision">
    & UpdateOptions
    & { store: ParameterStore; scale: number },
): Pick<UpdatePlan, "schedule" | "scaledSchedules" | "optimizer" | "lossScale"> & { metrics: readonly Tensor[] } {
  const scaled = precision === "f16", state = store.lossScale, gradientOf = (g: Tensor) => summed ? store.sumOf(g) : g;
  const schedule = tape.input("schedule", [SCHEDULE_LENGTH]);
  const norm = gradientNorm(tape, store.ranges.map(({ g }) => gradientOf(g)));
  const scaling = scaled ? lossScale(tape, { norm, schedule, state }, { ...optimizer, factor: scale }) : undefined;
  const used = scaling ?? { norm, schedule }, ranges = store.rangesBy(rateFactor);
  const scaledSchedules = scheduleInputs(tape, ranges.map(({ factor }) => factor));
  if (scaled && scaledSchedules.length > 0) {
    throw new UsageError("loss scaling and rates by group of parameters do not go together", {
      expected: "another precision than f16, or rateScaling none",
    });
  }
  for (const { factor, ...range } of ranges) {
    const own = scaledSchedules.find((one) => one.factor === factor)?.schedule ?? used.schedule;
    // AdamW multiplies the decay by the rate. Divided by the factor, the decay is the same at every width.
    const pull = range.decay ? decay / factor : 0;
    const inputs = { ...range, g: gradientOf(range.g), norm: used.norm, schedule: own };
    adamw(tape, inputs, { ...optimizer, decay: pull }, { scaled });
  }
  const all = [...metrics(used.norm), ...(scaling ? [scaling.scaling] : [])];
  return { metrics: all, schedule, scaledSchedules, optimizer, lossScale: scaled ? state : undefined };
}

/** An input for the schedule of each factor that is not 1. */
function scheduleInputs(tape: Tape, factors: readonly number[]): UpdatePlan["scaledSchedules"] {
  const others = [...new Set(factors)].filter((factor) => factor !== 1);
  return others.map((factor) => ({ factor, schedule: tape.input(`schedule × ${factor}`, [SCHEDULE_LENGTH]) }));
}

/** Most numbers that one step adds to a sum or sets to zero. */
const SUMMED = 2 ** 19;

/** Slices of a tensor of one row or column, of at most `SUMMED` numbers each, as rows. */
function slicesOf(x: Tensor): Tensor[] {
  const all = x.rows * x.columns;
  return Array.from({ length: Math.ceil(all / SUMMED) }, (_, i) => {
    const from = i * SUMMED;
    return tensorOver(x.storage, [1, Math.min(SUMMED, all - from)], { offset: x.offset + from });
  });
}

/** Records sum += x as products with the 1 × 1 matrix [1]. Every executor has products, and these are exact. */
function addTo(tape: Tape, sum: Tensor, { x, one }: { x: Tensor; one: Tensor }): void {
  const from = slicesOf(x);
  for (const [i, c] of slicesOf(sum).entries()) {
    const sizes = { M: 1, N: c.columns, K: 1, transA: 0, transB: 0 } as const;
    matmul(tape, { a: one, b: at(from, i), c }, { ...sizes, accumulate: true, exact: true });
  }
}

/** Records sums = 0, as products of zeros. Gradients that are not finite are overwritten, not multiplied by zero. */
function clear(tape: Tape, sums: readonly Tensor[]): void {
  const slices = sums.flatMap(slicesOf), most = Math.max(...slices.map(({ columns }) => columns));
  const zeros = tape.constant("zeros", [1, most], new Float32Array(most));
  const zero = tape.constant("zero", [1, 1], Float32Array.of(0));
  for (const c of slices) {
    const sizes = { M: 1, N: c.columns, K: 1, transA: 0, transB: 0 } as const;
    matmul(tape, { a: zero, b: tensorOver(zeros.storage, [1, c.columns]), c }, { ...sizes, exact: true });
  }
}

/**
 * The two plans of an update of `count` micro-batches: one adds the gradients of a micro-batch to the sums, the other updates
 * the weights. The metrics of a micro-batch are `means`, which are averaged over the update, then `rows`.
 */
function accumulated(
  tape: Tape,
  { name, loss, means, rows = [] }: { name: string; loss: Tensor; means: readonly Tensor[]; rows?: readonly Tensor[] },
  { store, count, scale = 1, precision, ...update }:
    & Pick<ActivationConfig, "precision">
    & UpdateOptions
    & { store: ParameterStore; scale?: number; count: number },
): ReturnType<typeof finished> {
  const share = scale / count, seed = tape.constant("d loss", [1], Float32Array.of(share));
  tape.backward([[loss, precision === "f16" ? scaleOf(store.lossScale) : seed]]);
  const one = tape.constant("one", [1, 1], Float32Array.of(1));
  for (const { g } of store.ranges) addTo(tape, store.sumOf(g), { x: g, one });
  const metrics = [...means, ...rows], about = { name: `${name} ${store.config.archType}`, metrics };
  const plan = storedIn(finish(tape, about), precision);
  const end = new Tape(false), options = { ...update, store, scale: share, precision };
  const { metrics: ofEnd, ...made } = weightsMoved(end, { norm: (norm) => [norm], summed: true }, options);
  clear(end, store.ranges.map(({ g }) => store.sumOf(g)));
  const ending = finish(end, { name: `${about.name}, end of an update`, metrics: ofEnd });
  return { ...made, plan, accumulation: { count, means: means.length, plan: ending } };
}

/** Next-token training on B rows, in `accumulate` parts. `scale` multiplies the gradient; the second stage of the seed profile uses 1 + beta. Metrics: loss, gradientNorm. */
export function trainingPlan(
  store: ParameterStore,
  { B, T, accumulate = 1, decay, scale = 1, optimizer, rateFactor, reproduceLeak, ...activations }:
    & ActivationConfig
    & ForwardOptions
    & UpdateOptions
    & { B: number; T: number; scale?: number; accumulate?: number },
): TrainingPlan {
  const tape = trainingTape(store, activations), inputs = textInputs(tape, B / accumulate, T);
  const logp = targetLogp(tape, store, { ...inputs, reproduceLeak });
  const loss = nllLoss(tape, { logp, weight: inputs.weight }), { precision } = activations;
  const options = { store, decay, scale, optimizer, rateFactor, precision };
  const made = accumulate > 1
    ? accumulated(tape, { name: "training", loss, means: [loss] }, { ...options, count: accumulate })
    : finished(tape, { name: "training", loss, metrics: (norm) => [loss, norm] }, options);
  return { kind: "text", scale, ...inputs, ...made, tokensPerStep: B * T, metricNames: ["loss", "gradientNorm"] };
}

/**
 * ORPO on n pairs of T predictions, in `accumulate` parts; beta 0 is the control. Metrics: loss, nll, gradientNorm, then the pairs
 * [n, 4] (ORPO_COLUMNS). All pairs have completions of one length, so the mean over the parts is that over the pairs.
 */
export function preferencePlan(
  store: ParameterStore,
  { n, T, accumulate = 1, decay, beta, optimizer, rateFactor, ...activations }:
    & ActivationConfig
    & UpdateOptions
    & { n: number; T: number; beta: number; accumulate?: number },
): PreferencePlan {
  const tape = trainingTape(store, activations), rows = 2 * n / accumulate, inputs = textInputs(tape, rows, T);
  const completion = tape.input("completion", [rows, T]), { precision } = activations;
  const logp = targetLogp(tape, store, inputs), name = "ORPO";
  const { loss, nll, pairs } = orpoLoss(tape, { logp, weight: inputs.weight, completion }, { beta });
  const options = { store, decay, optimizer, rateFactor, precision };
  const made = accumulate > 1
    ? accumulated(tape, { name, loss, means: [loss, nll], rows: [pairs] }, { ...options, count: accumulate })
    : finished(tape, { name, loss, metrics: (norm) => [loss, nll, norm, pairs] }, options);
  const metricNames = ["loss", "nll", "gradientNorm"];
  return { kind: "pairs", n, ...inputs, completion, ...made, tokensPerStep: 2 * n * T, metricNames };
}
