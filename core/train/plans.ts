/** The plans of training and evaluation: one recording each, replayed for every batch. */
import type { ActivationConfig, Precision } from "../config/mod.ts";
import { linearLogp } from "../ops/linear_logp.ts";
import { nllLoss, orpoLoss } from "../ops/losses.ts";
import { lossScale, scaleOf } from "../ops/loss_scale.ts";
import { type AdamW, adamw, gradientNorm, SCHEDULE_LENGTH } from "../ops/optimizer.ts";
import { forward, type ForwardOptions } from "../nn/model.ts";
import type { ParameterStore } from "../params/store.ts";
import { finish, type Plan, withHalfProducts, withNormsAgain, withPackedSaves } from "../plan/mod.ts";
import { Tape, type Tensor } from "../tensor/mod.ts";

export interface TextInputs {
  readonly ids: Tensor;
  readonly targets: Tensor;
  readonly weight: Tensor;
}

export interface TrainingPlan extends TextInputs {
  readonly plan: Plan;
  readonly schedule: Tensor;
  /** Names of the first metrics of a run, one a number. In f16 the last two are the loss scale, and 1 for an update left out. */
  readonly metricNames: readonly string[];
}

export const ADAMW: Omit<AdamW, "decay"> = { beta1: 0.9, beta2: 0.95, eps: 1e-8, clip: 1 };

function trainingTape(store: ParameterStore, { remat }: ActivationConfig): Tape {
  const { parameters, gradients } = store.arenas;
  return new Tape(true, [[parameters, gradients]], { recompute: remat });
}

/** A precision as configurations write it: f32 is not written. */
export const keptIn = (precision: Precision | undefined): Pick<ActivationConfig, "precision"> =>
  precision === undefined || precision === "f32" ? {} : { precision };

/**
 * Weights whose products stay f32: the step size goes through an exponential for every step of the scan, what the scan selects by comes
 * with it, and logits are compared with each other. In `paper` they are 3 to 6 % of a step's multiply-adds, the others 86 to 93 %.
 */
const EXACT_WEIGHTS = ["x_proj", "dt_proj.w", "embedding"];

/** The plan with its saved activations in this precision, and in f16 with products that may be made of operands in f16. */
export function storedIn(plan: Plan, precision: Precision | undefined): Plan {
  if (precision === undefined || precision === "f32") return plan;
  const packed = withPackedSaves(withNormsAgain(plan), precision);
  return precision === "f16" ? withHalfProducts(packed, EXACT_WEIGHTS) : packed;
}

function textInputs(tape: Tape, B: number, T: number): TextInputs {
  return {
    ids: tape.input("ids", [B, T], { dtype: "u32" }),
    targets: tape.input("targets", [B, T], { dtype: "u32" }),
    weight: tape.input("weight", [B, T]),
  };
}

/**
 * Backward from the loss, times `scale`, then norm, clipping and AdamW over the whole store. In f16 the loss is scaled besides,
 * and `scaling` is what the metrics then end with.
 */
function update(
  tape: Tape,
  loss: Tensor,
  { store, decay, scale = 1, optimizer = ADAMW, precision }: Pick<ActivationConfig, "precision"> & {
    store: ParameterStore;
    decay: number;
    scale?: number;
    optimizer?: Omit<AdamW, "decay">;
  },
) {
  const scaled = precision === "f16", state = store.lossScale;
  tape.backward([[loss, scaled ? scaleOf(state) : tape.constant("d loss", [1], Float32Array.of(scale))]]);
  const schedule = tape.input("schedule", [SCHEDULE_LENGTH]);
  const norm = gradientNorm(tape, store.stretches.map(({ g }) => g));
  const used = scaled
    ? lossScale(tape, { norm, schedule, state }, { ...optimizer, factor: scale })
    : { norm, schedule };
  for (const stretch of store.stretches) {
    adamw(tape, { ...stretch, ...used }, { ...optimizer, decay: stretch.decay ? decay : 0 }, { scaled });
  }
  return { schedule, norm: used.norm, scaling: "scaling" in used ? [used.scaling] : [] };
}

/** Next-token training. `scale` multiplies the gradient: the seed's second stage is this with 1 + beta. Metrics: loss, gradientNorm. */
export function trainingPlan(
  store: ParameterStore,
  { B, T, decay, scale, optimizer, reproduceLeak, ...activations }: ActivationConfig & ForwardOptions & {
    B: number;
    T: number;
    decay: number;
    scale?: number;
    optimizer?: Omit<AdamW, "decay">;
  },
): TrainingPlan {
  const tape = trainingTape(store, activations), inputs = textInputs(tape, B, T);
  const { hidden } = forward(tape, inputs.ids, store, { reproduceLeak });
  const { logp } = linearLogp(tape, { x: hidden, w: store.tensor("embedding"), targets: inputs.targets });
  const loss = nllLoss(tape, { logp, weight: inputs.weight });
  const { precision } = activations;
  const { schedule, norm, scaling } = update(tape, loss, { store, decay, scale, optimizer, precision });
  const metrics = [loss, norm, ...scaling];
  const plan = storedIn(finish(tape, { name: `training ${store.config.archType}`, metrics }), precision);
  return { plan, ...inputs, schedule, metricNames: ["loss", "gradientNorm"] };
}

export interface PreferencePlan extends TrainingPlan {
  readonly completion: Tensor;
}

/** ORPO on n pairs of T predictions. Metrics: loss, nll, gradientNorm, then the pairs [n, 4] (ORPO_COLUMNS). */
export function preferencePlan(
  store: ParameterStore,
  { n, T, decay, beta, ...activations }: ActivationConfig & { n: number; T: number; decay: number; beta: number },
): PreferencePlan {
  const tape = trainingTape(store, activations),
    inputs = textInputs(tape, 2 * n, T),
    completion = tape.input("completion", [2 * n, T]);
  const { hidden } = forward(tape, inputs.ids, store);
  const { logp } = linearLogp(tape, { x: hidden, w: store.tensor("embedding"), targets: inputs.targets });
  const { loss, nll, pairs } = orpoLoss(tape, { logp, weight: inputs.weight, completion }, { beta });
  const { schedule, norm, scaling } = update(tape, loss, { store, decay, precision: activations.precision });
  const metrics = [loss, nll, norm, pairs, ...scaling];
  const plan = storedIn(finish(tape, { name: `ORPO ${store.config.archType}`, metrics }), activations.precision);
  return { plan, ...inputs, completion, schedule, metricNames: ["loss", "nll", "gradientNorm"] };
}

export interface EvaluationPlan {
  readonly plan: Plan;
  readonly ids: Tensor;
  readonly targets: Tensor;
  /** [B, T]: log-probability of each target. */
  readonly logp: Tensor;
}

/** Log-probabilities of given tokens, forward only. */
export function evaluationPlan(
  store: ParameterStore,
  { B, T, ...options }: ForwardOptions & { B: number; T: number },
): EvaluationPlan {
  const tape = new Tape(false);
  const ids = tape.input("ids", [B, T], { dtype: "u32" }), targets = tape.input("targets", [B, T], { dtype: "u32" });
  const { hidden } = forward(tape, ids, store, options);
  const { logp } = linearLogp(tape, { x: hidden, w: store.tensor("embedding"), targets });
  return { plan: finish(tape, { name: `evaluation ${store.config.archType}`, outputs: [logp] }), ids, targets, logp };
}
