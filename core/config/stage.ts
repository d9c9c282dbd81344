/** The configuration of one training stage. */

/** How the rate falls after the warm-up: as a cosine to zero, only in the last part of the steps (wsd), or not at all. */
export const SCHEDULES = ["cosine", "wsd", "constant"] as const;
/** One of {@link SCHEDULES}. */
export type ScheduleName = typeof SCHEDULES[number];

/** none: one rate for all parameters. width: the rates of matrices and embeddings are divided by the width of the model. */
export const RATE_SCALINGS = ["none", "width"] as const;
export type RateScaling = typeof RATE_SCALINGS[number];

/** The numbers of AdamW that are not its rate and decay. */
export interface OptimizerConfig {
  readonly beta1: number;
  readonly beta2: number;
  /** Added to the root of the second moment. */
  readonly eps: number;
  /** Largest norm of a gradient. */
  readonly clip: number;
}

/** A length that is not known in steps before the text (epochs) and the size of the model (flops) are known. */
export interface OpenLength {
  readonly unit: "epochs" | "flops";
  readonly count: number;
  /** Values that depend on the steps, as given; see {@link atSteps}. */
  readonly given: StepRule;
}

/**
 * Values that depend on the steps: the warm-up (in steps, or below 1 as a share of them), and steps between evaluations and
 * checkpoints.
 */
export type StepRule = Pick<StageConfig, "warmup" | "evaluateEvery" | "checkpointEvery">;

export interface StageConfig {
  readonly steps: number;
  /** Peak learning rate after linear warm-up; `schedule` says what follows. */
  readonly rate: number;
  readonly warmup: number;
  readonly decay: number;
  /** Sequences of a step; in the preference stage, pairs. */
  readonly batch: number;
  /** Parts of a batch whose gradients are summed before an update. Absent: 1. */
  readonly accumulate?: number;
  /** Steps between evaluations on the validation part; the last step is always evaluated. */
  readonly evaluateEvery: number;
  /** Absent: cosine. Given as cosine only where an arm departs from the schedule of its study. */
  readonly schedule?: ScheduleName;
  /** wsd: the share of the steps at the end in which the rate falls to zero. */
  readonly cooldown?: number;
  /** Absent: see ADAMW. */
  readonly optimizer?: OptimizerConfig;
  /** Whether groups of parameters have rates that shrink with the width of the model. Absent: none. */
  readonly rateScaling?: RateScaling;
  /** rateScaling width: the width of a model at which all parameters have the rate itself. */
  readonly rateWidth?: number;
  /** Steps between checkpoints; the last step always has one. Absent: one at each evaluation. */
  readonly checkpointEvery?: number;
  /** Only before a study is fitted to its text; `steps` then has no meaning. No study that runs has it. */
  readonly openLength?: OpenLength;
}

/** Steps, with a warm-up and evaluations that fit into them. */
export function atSteps(steps: number, { warmup, evaluateEvery, checkpointEvery }: StepRule) {
  const rising = Number.isInteger(warmup) ? warmup : Math.round(warmup * steps);
  return {
    steps,
    warmup: Math.min(rising, Math.floor(steps / 2)),
    evaluateEvery: Math.min(evaluateEvery, steps),
    ...(checkpointEvery === undefined ? {} : { checkpointEvery: Math.min(checkpointEvery, steps) }),
  };
}

/** The default share of the steps in which a wsd schedule falls. */
export const USUAL_COOLDOWN = 0.2;

/** The last step of a wsd schedule before its rate falls: until there a longer training is the same. */
export const branchStep = ({ steps, cooldown = USUAL_COOLDOWN }: Pick<StageConfig, "steps" | "cooldown">): number =>
  steps - Math.round(cooldown * steps);

/** Sequences that are computed at once. */
export const microBatch = ({ batch, accumulate = 1 }: Pick<StageConfig, "batch" | "accumulate">): number =>
  batch / accumulate;
