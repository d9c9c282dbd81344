/** Dynamic loss scaling: gradients are computed times a scale that is halved when they overflow and doubled when they do not. */
import { Arena, defineOp, Storage, type Tape, type Tensor, tensorOver } from "../tensor/mod.ts";

export const lossScaleOp = defineOp({
  name: "loss_scale",
  phase: "update",
  attributes: ["factor", "beta1", "beta2", "growEvery", "most"],
  reads: { norm: "1", schedule: "4", state: "4" },
  writes: { state: "4", applied: "4", report: "3" },
  flops: () => 0,
});

/** Good updates after which the scale doubles, its first value and its largest. Powers of two change no digit of a gradient. */
export const LOSS_SCALE = { growEvery: 200, start: 2 ** 16, most: 2 ** 24 } as const;

/** scale, updates since it changed, 1 − β1^t, 1 − β2^t over the updates that were made. */
export const LOSS_SCALE_STATE = 4;

/** The state at the start of a training. */
export const initialLossScale = (): Float32Array<ArrayBuffer> => Float32Array.of(LOSS_SCALE.start, 0, 0, 0);

/** The state of a training, in an arena of its own: it outlives programs, as moments do. */
export function lossScaleState(): Tensor {
  const arena = new Arena("loss scale", LOSS_SCALE_STATE);
  return tensorOver(new Storage(arena.name, LOSS_SCALE_STATE, "f32", { arena, offset: 0 }), [LOSS_SCALE_STATE]);
}

/** The scale alone, which the backward pass starts from. Shapes: state [4]; returns [1]. */
export const scaleOf = (state: Tensor): Tensor => tensorOver(state.storage, [1]);

/**
 * Decides from the norm of the scaled gradients what AdamW does. If the norm is not finite, AdamW does nothing and the scale is halved.
 * Otherwise gradients are multiplied by factor / scale, and after `growEvery` such updates the scale is doubled. Bias corrections
 * count the updates that were made. Shapes: norm [1], schedule [4], state [4], changed in place; returns norm [1] of the gradient
 * (0 without an update), schedule [4] for a scaled `adamw`, and scaling [2]: the scale of this step, 1 when its update was left out.
 */
export function lossScale(
  tape: Tape,
  { norm, schedule, state }: { norm: Tensor; schedule: Tensor; state: Tensor },
  { factor, beta1, beta2, growEvery = LOSS_SCALE.growEvery, most = LOSS_SCALE.most }: {
    factor: number;
    beta1: number;
    beta2: number;
    growEvery?: number;
    most?: number;
  },
): { norm: Tensor; schedule: Tensor; scaling: Tensor } {
  const applied = tape.tensor("applied schedule", [4]), report = tape.tensor("loss scale report", [3]);
  tape.step(lossScaleOp, {
    attributes: { factor, beta1, beta2, growEvery, most },
    reads: { norm, schedule, state },
    writes: { state, applied, report },
  });
  return {
    norm: tensorOver(report.storage, [1]),
    schedule: applied,
    scaling: tensorOver(report.storage, [2], { offset: 1 }),
  };
}
