import code from "../../../wgsl/loss_scale.wgsl" with { type: "text" };
import { kernel, type Lowering } from "../launch.ts";

const KERNEL = kernel("loss_scale", code);

export const lossScale: Lowering<"loss_scale"> = (
  {
    attributes: { factor, beta1, beta2, growEvery, most },
    reads: { norm, schedule },
    writes: { state, applied, report },
  },
) => [{
  kernel: KERNEL,
  constants: {
    FACTOR: factor,
    BETA1: beta1,
    BETA2: beta2,
    REST1: 1 - beta1,
    REST2: 1 - beta2,
    GROW_EVERY: growEvery,
    MOST: most,
    NORM_OFFSET: norm.offset,
    SCHEDULE_OFFSET: schedule.offset,
  },
  reads: [norm, schedule],
  writes: [state, applied, report],
  grid: [1, 1, 1],
}];
