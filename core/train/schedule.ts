/** The learning rate of each update, and the vector of numbers that the optimizer of a plan reads. */
import { type ScheduleName, USUAL_COOLDOWN } from "../config/mod.ts";
import type { AdamW } from "../ops/optimizer.ts";

/** Linear warm-up, then a falling rate. */
export interface Schedule {
  /** The largest rate. */
  readonly rate: number;
  /** Updates until the rate is at its largest. */
  readonly warmup: number;
  /** All updates. */
  readonly steps: number;
  /** cosine, or absent: to zero. wsd: no fall before the last part, then a straight line to zero. constant: no fall. */
  readonly schedule?: ScheduleName;
  /** wsd: the share of the steps in which the rate falls. */
  readonly cooldown?: number;
}

/**
 * The rate of an update. The first is step 1, the last is `steps`; a schedule that falls would reach zero at the next step.
 * Two wsd schedules of different lengths have the same rates until the shorter one falls, so both can share a trunk.
 */
export function rateAt(step: number, { rate, warmup, steps, schedule, cooldown = USUAL_COOLDOWN }: Schedule): number {
  if (step <= warmup) return rate * step / warmup;
  if (schedule === "constant") return rate;
  if (schedule === "wsd") return rate * Math.min(1, (steps - step + 1) / (Math.round(cooldown * steps) + 1));
  return rate * 0.5 * (1 + Math.cos(Math.PI * (step - warmup) / (steps - warmup + 1)));
}

/** AdamW without its decay, which differs between parameters. */
export type Optimizer = Omit<AdamW, "decay">;

/** The default of every training. */
export const ADAMW: Optimizer = { beta1: 0.9, beta2: 0.95, eps: 1e-8, clip: 1 };

/**
 * The `schedule` input [4] of a plan for an update, counted from 1: rate, 1 − β1^step, 1 − β2^step. The last number is used on
 * the device only, by loss scaling (`core/ops/loss_scale.ts`).
 */
export const scheduleVector = (
  step: number,
  { rate, beta1, beta2 }: Pick<AdamW, "beta1" | "beta2"> & { rate: number },
): Float32Array<ArrayBuffer> => Float32Array.of(rate, 1 - beta1 ** step, 1 - beta2 ** step, 0);
