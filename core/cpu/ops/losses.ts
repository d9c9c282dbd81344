import { float, type Lowering } from "../launch.ts";

export const nllLossForward: Lowering<"nll_loss_forward"> = (
  { attributes: { R }, reads: { logp, weight }, writes: { loss } },
) => [
  { kernel: "nll_loss_forward", args: { logp, weight, loss, R }, blocks: 1 },
];

export const nllLossBackward: Lowering<"nll_loss_backward"> = (
  { attributes: { R }, reads: { dloss, weight }, writes: { dlogp } },
) => [
  { kernel: "nll_loss_backward", args: { dloss, weight, dlogp, R }, blocks: 1 },
];

export const orpoLossForward: Lowering<"orpo_loss_forward"> = (
  { attributes: { n, T, beta }, reads: { logp, weight, completion }, writes: { loss, nll, pairs } },
) => [{
  kernel: "orpo_loss_forward",
  args: { logp, weight, completion, loss, nll, pairs, n, T, beta: float(beta) },
  blocks: 1,
}];

export const orpoLossBackward: Lowering<"orpo_loss_backward"> = (
  { attributes: { n, T, beta }, reads: { dloss, weight, completion, pairs }, writes: { dlogp } },
) => [{
  kernel: "orpo_loss_backward",
  args: { dloss, weight, completion, pairs, dlogp, n, T, beta: float(beta) },
  blocks: 1,
}];
