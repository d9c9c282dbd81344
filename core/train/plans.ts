/** The training plans. A plan is recorded once and replayed for every batch. */
import type { ActivationConfig, Precision } from "../config/mod.ts";
import { nllLoss, orpoLoss } from "../ops/losses.ts";
import { lossScale, scaleOf } from "../ops/loss_scale.ts";
import { adamw, gradientNorm, SCHEDULE_LENGTH } from "../ops/optimizer.ts";
import { type ForwardOptions, targetLogp } from "../nn/model.ts";
import { UsageError } from "../errors.ts";
import type { ParameterSpec } from "../params/specs.ts";
import type { ParameterStore } from "../params/store.ts";
import { finish, type Plan, withHalfProducts, withPackedSaves, withRecomputedOutputs } from "../plan/mod.ts";
import { Tape, type Tensor } from "../tensor/mod.ts";
import { ADAMW, type Optimizer } from "./schedule.ts";

interface TextInputs {
  /** [rows, T] each. */
  readonly ids: Tensor;
  readonly targets: Tensor;
  /** How much each target counts, [rows, T]. */
  readonly weight: Tensor;
  /** Text tokens of an update: rows · T. */
  readonly tokensPerStep: number;
}

/** A recorded update: forward, backward, clipping and AdamW. */
export interface UpdatePlan extends TextInputs {
  readonly plan: Plan;
  /** [4], see scheduleVector. */
  readonly schedule: Tensor;
  /** The same with other rates, for parameters whose rate has a factor. */
  readonly scaledSchedules: readonly { readonly schedule: Tensor; readonly factor: number }[];
  /** Names of the first metrics of a run, one number each. In f16 the last two metrics are the loss scale and 1 for a skipped update. */
  readonly metricNames: readonly string[];
  readonly optimizer: Optimizer;
  /** The state of loss scaling. Only plans in f16 have it. */
  readonly lossScale?: Tensor;
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
  readonly n: number;
  /** 1 on the tokens of a completion, [2n, T]. */
  readonly completion: Tensor;
}

function trainingTape(store: ParameterStore, { remat }: ActivationConfig): Tape {
  const { parameters, gradients } = store.arenas;
  return new Tape(true, [[parameters, gradients]], { recompute: remat });
}

/** The field of a configuration for a precision. f32 has no field. */
export const keptIn = (precision: Precision | undefined): Pick<ActivationConfig, "precision"> =>
  precision === undefined || precision === "f32" ? {} : { precision };

/** The plan with its saved activations in this precision, and in f16 with products that may be made of operands in f16. */
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

/** How an update moves the weights. */
interface UpdateOptions {
  readonly decay: number;
  readonly optimizer?: Optimizer;
  /** What the rate of a parameter is multiplied with. Default: 1 for all. Not with loss scaling (f16). */
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
): Pick<UpdatePlan, "plan" | "schedule" | "scaledSchedules" | "optimizer" | "lossScale"> {
  const scaled = precision === "f16", state = store.lossScale;
  tape.backward([[loss, scaled ? scaleOf(state) : tape.constant("d loss", [1], Float32Array.of(scale))]]);
  const schedule = tape.input("schedule", [SCHEDULE_LENGTH]);
  const norm = gradientNorm(tape, store.ranges.map(({ g }) => g));
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
    // Decay is multiplied with the rate of the update. Without the factor it is the same pull at every width.
    const pull = range.decay ? decay / factor : 0;
    adamw(tape, { ...range, norm: used.norm, schedule: own }, { ...optimizer, decay: pull }, { scaled });
  }
  const all = [...metrics(used.norm), ...(scaling ? [scaling.scaling] : [])];
  const plan = storedIn(finish(tape, { name: `${name} ${store.config.archType}`, metrics: all }), precision);
  return { plan, schedule, scaledSchedules, optimizer, lossScale: scaled ? state : undefined };
}

/** An input for the schedule of each factor that is not 1. */
function scheduleInputs(tape: Tape, factors: readonly number[]): UpdatePlan["scaledSchedules"] {
  const others = [...new Set(factors)].filter((factor) => factor !== 1);
  return others.map((factor) => ({ factor, schedule: tape.input(`schedule × ${factor}`, [SCHEDULE_LENGTH]) }));
}

/** Next-token training. `scale` multiplies the gradient; the second stage of the seed profile uses 1 + beta. Metrics: loss, gradientNorm. */
export function trainingPlan(
  store: ParameterStore,
  { B, T, decay, scale = 1, optimizer, rateFactor, reproduceLeak, ...activations }:
    & ActivationConfig
    & ForwardOptions
    & UpdateOptions
    & { B: number; T: number; scale?: number },
): TrainingPlan {
  const tape = trainingTape(store, activations), inputs = textInputs(tape, B, T);
  const logp = targetLogp(tape, store, { ...inputs, reproduceLeak });
  const loss = nllLoss(tape, { logp, weight: inputs.weight }), { precision } = activations;
  const made = finished(tape, { name: "training", loss, metrics: (norm) => [loss, norm] }, {
    store,
    decay,
    scale,
    optimizer,
    rateFactor,
    precision,
  });
  return { kind: "text", scale, ...inputs, ...made, metricNames: ["loss", "gradientNorm"] };
}

/** ORPO on n pairs of T predictions; beta 0 is the control. Metrics: loss, nll, gradientNorm, then the pairs [n, 4] (ORPO_COLUMNS). */
export function preferencePlan(
  store: ParameterStore,
  { n, T, decay, beta, optimizer, rateFactor, ...activations }:
    & ActivationConfig
    & UpdateOptions
    & { n: number; T: number; beta: number },
): PreferencePlan {
  const tape = trainingTape(store, activations), inputs = textInputs(tape, 2 * n, T);
  const completion = tape.input("completion", [2 * n, T]), { precision } = activations;
  const logp = targetLogp(tape, store, inputs);
  const { loss, nll, pairs } = orpoLoss(tape, { logp, weight: inputs.weight, completion }, { beta });
  const made = finished(tape, { name: "ORPO", loss, metrics: (norm) => [loss, nll, norm, pairs] }, {
    store,
    decay,
    optimizer,
    rateFactor,
    precision,
  });
  return { kind: "pairs", n, ...inputs, completion, ...made, metricNames: ["loss", "nll", "gradientNorm"] };
}
