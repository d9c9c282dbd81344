import logOdds from "../../../wgsl/lib/log_odds.wgsl" with { type: "text" };
import nllBackward from "../../../wgsl/nll_loss_backward.wgsl" with { type: "text" };
import nllForward from "../../../wgsl/nll_loss_forward.wgsl" with { type: "text" };
import orpoBackward from "../../../wgsl/orpo_loss_backward.wgsl" with { type: "text" };
import orpoForward from "../../../wgsl/orpo_loss_forward.wgsl" with { type: "text" };
import sumOverLanes from "../../../wgsl/lib/sum_over_lanes.wgsl" with { type: "text" };
import { kernel, type Lowering } from "../launch.ts";

const NLL_FORWARD = kernel("nll_loss_forward", sumOverLanes, nllForward);
const NLL_BACKWARD = kernel("nll_loss_backward", sumOverLanes, nllBackward);
const ORPO_FORWARD = kernel("orpo_loss_forward", sumOverLanes, logOdds, orpoForward);
const ORPO_BACKWARD = kernel("orpo_loss_backward", sumOverLanes, logOdds, orpoBackward);

export const nllLossForward: Lowering<"nll_loss_forward"> = (
  { attributes: { R }, reads: { logp, weight }, writes: { loss } },
) => [{
  kernel: NLL_FORWARD,
  constants: { R },
  reads: [logp, weight],
  writes: [loss],
  grid: [1, 1, 1],
}];

export const nllLossBackward: Lowering<"nll_loss_backward"> = (
  { attributes: { R }, reads: { dloss, weight }, writes: { dlogp } },
) => [{
  kernel: NLL_BACKWARD,
  constants: { R },
  reads: [dloss, weight],
  writes: [dlogp],
  grid: [1, 1, 1],
}];

export const orpoLossForward: Lowering<"orpo_loss_forward"> = (
  { attributes: { n, T, beta }, reads: { logp, weight, completion }, writes: { loss, nll, pairs } },
) => [{
  kernel: ORPO_FORWARD,
  constants: { N: n, T, BETA: beta },
  reads: [logp, weight, completion],
  writes: [loss, nll, pairs],
  grid: [1, 1, 1],
}];

export const orpoLossBackward: Lowering<"orpo_loss_backward"> = (
  { attributes: { n, T, beta }, reads: { dloss, weight, completion, pairs }, writes: { dlogp } },
) => [{
  kernel: ORPO_BACKWARD,
  constants: { N: n, T, BETA: beta },
  reads: [dloss, weight, completion, pairs],
  writes: [dlogp],
  grid: [2 * n, 1, 1],
}];
