/** Gradient norm and AdamW over whole ranges of the parameter store. */
import { defineOp, type Tape, type Tensor } from "../tensor/mod.ts";

export const gradientNormOp = defineOp({
  name: "gradient_norm",
  phase: "update",
  attributes: [],
  reads: { "g#": "*" },
  writes: { norm: "1" },
  flops: (_, gradients) => Object.values(gradients).reduce((sum, g) => sum + 2 * g.rows * g.columns, 0),
});

export const adamwOp = defineOp({
  name: "adamw",
  phase: "update",
  attributes: ["n", "beta1", "beta2", "eps", "decay", "clip", "scaled"],
  reads: { g: "n", norm: "1", schedule: "4", p: "n", m: "n", v: "n" },
  writes: { p: "n", m: "n", v: "n" },
  flops: ({ n }) => 14 * n,
});

/** What changes from step to step, in the order of the `schedule` input [4]: rate, 1 − β1^t, 1 − β2^t, and with loss scaling the factor of the gradients. */
export const SCHEDULE_LENGTH = 4;

/** norm = √Σ g². Shapes: gradients [n], contiguous; returns norm [1]. The order of the sum is fixed. */
export function gradientNorm(tape: Tape, gradients: readonly Tensor[]): Tensor {
  const norm = tape.tensor("gradient norm", [1]);
  const reads = Object.fromEntries(gradients.map((g, i) => [`g${i}`, g]));
  tape.step(gradientNormOp, { attributes: {}, reads, writes: { norm } });
  return norm;
}

export interface AdamW {
  beta1: number;
  beta2: number;
  eps: number;
  /** Multiplied by the rate and taken off each weight before the update. */
  decay: number;
  /** Gradients are scaled by min(1, clip / (norm + 1e-6)). */
  clip: number;
}

/**
 * One AdamW update in place. Shapes: p, g, m, v [n] (a range of the store), norm [1], schedule [4].
 * p ← p − rate·decay·p; m ← β1·m + (1−β1)·g; v ← β2·v + (1−β2)·g²; p ← p − rate · (m/c1) / (√(v/c2) + eps).
 * `scaled`: g is first multiplied with schedule[3], and if that is 0, p, m and v do not change (see `loss_scale`).
 * Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019.
 */
export function adamw(
  tape: Tape,
  { p, g, m, v, norm, schedule }: { p: Tensor; g: Tensor; m: Tensor; v: Tensor; norm: Tensor; schedule: Tensor },
  { beta1, beta2, eps, decay, clip }: AdamW,
  { scaled = false } = {},
): void {
  const n = p.rows * p.columns;
  const attributes = { n, beta1, beta2, eps, decay, clip, scaled: scaled ? 1 : 0 };
  tape.step(adamwOp, { attributes, reads: { g, norm, schedule, p, m, v }, writes: { p, m, v } });
}
