import { float, type Lowering } from "../launch.ts";

export const lossScale: Lowering<"loss_scale"> = (
  {
    attributes: { factor, beta1, beta2, growEvery, most },
    reads: { norm, schedule },
    writes: { state, applied, report },
  },
) => [{
  kernel: "loss_scale",
  args: {
    norm,
    schedule,
    state,
    applied,
    report,
    factor: float(factor),
    beta1: float(beta1),
    beta2: float(beta2),
    rest1: float(1 - beta1),
    rest2: float(1 - beta2),
    growEvery: float(growEvery),
    most: float(most),
  },
  blocks: 1,
}];
