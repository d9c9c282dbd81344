import { floats, type Lowering } from "../launch.ts";

export const lossScale: Lowering<"loss_scale"> = (
  { attributes: { factor, beta1, beta2, growEvery, most }, reads: { norm, schedule }, writes },
) => {
  const { state, applied, report } = writes;
  const scalars = floats({ factor, beta1, beta2, rest1: 1 - beta1, rest2: 1 - beta2, growEvery, most });
  return [{ kernel: "loss_scale", args: { norm, schedule, state, applied, report, ...scalars }, blocks: 1 }];
};
