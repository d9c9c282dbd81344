/** The configuration of one training stage. */

/** How the rate falls behind the warm-up: as a cosine to zero, not before the last part of the steps (wsd), or not at all. */
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
}

/** The share of the steps in which a wsd schedule falls, where none is given. */
export const USUAL_COOLDOWN = 0.2;

/** The last step of a wsd schedule before its rate falls: until there a longer training is the same. */
export const branchStep = ({ steps, cooldown = USUAL_COOLDOWN }: Pick<StageConfig, "steps" | "cooldown">): number =>
  steps - Math.round(cooldown * steps);

/** Sequences that are computed at once. */
export const microBatch = ({ batch, accumulate = 1 }: Pick<StageConfig, "batch" | "accumulate">): number =>
  batch / accumulate;
