/** Losses over token log-probabilities. Each is one small step with fixed order of summation. */
import { defineOp, dimsOf, expectShape, type Tape, type Tensor } from "../tensor/mod.ts";

export const nllLossForward = defineOp({
  name: "nll_loss_forward",
  phase: "forward",
  attributes: ["R"],
  reads: { logp: "R", weight: "R" },
  writes: { loss: "1" },
  flops: ({ R }) => 2 * R,
  exactWrites: ["loss"],
});

export const nllLossBackward = defineOp({
  name: "nll_loss_backward",
  phase: "backward",
  attributes: ["R"],
  reads: { dloss: "1", weight: "R" },
  writes: { dlogp: "R" },
  flops: ({ R }) => R,
});

export const orpoLossForward = defineOp({
  name: "orpo_loss_forward",
  phase: "forward",
  attributes: ["n", "T", "beta"],
  reads: { logp: "2*n T", weight: "2*n T", completion: "2*n T" },
  writes: { loss: "1", nll: "1", pairs: "n 4" },
  flops: ({ n, T }) => 8 * n * T,
  exactWrites: ["loss", "nll", "pairs"],
});

export const orpoLossBackward = defineOp({
  name: "orpo_loss_backward",
  phase: "backward",
  attributes: ["n", "T", "beta"],
  reads: { dloss: "1", weight: "2*n T", completion: "2*n T", pairs: "n 4" },
  writes: { dlogp: "2*n T" },
  flops: ({ n, T }) => 4 * n * T,
});

/**
 * loss = −Σ weight · logp / Σ weight. Shapes: logp, weight [B, T]; returns loss [1]. A weight of 0 ignores a token.
 */
export function nllLoss(tape: Tape, { logp, weight }: { logp: Tensor; weight: Tensor }): Tensor {
  expectShape(weight, logp.shape, "nll_loss");
  const attributes = { R: logp.rows * logp.columns };
  const loss = tape.tensor("loss", [1]);
  tape.step(nllLossForward, { attributes, reads: { logp, weight }, writes: { loss } });
  tape.onBackward(() => {
    const dloss = tape.gradient(loss), dlogp = tape.target(logp);
    if (!dloss || !dlogp) return;
    const writes = { dlogp: dlogp.tensor };
    tape.step(nllLossBackward, { attributes, reads: { dloss, weight }, writes });
  });
  return loss;
}

/** The further results of `orpo_loss`, in this order: [n, 4] and the order of columns. */
export const ORPO_COLUMNS = ["chosen_logps", "rejected_logps", "log_odds", "log_sigmoid"] as const;

/**
 * Odds-ratio preference optimisation on a batch of n chosen rows followed by n rejected rows.
 * c, r = mean logp over completion tokens; log_odds = (c − r) − (log1mexp(c) − log1mexp(r));
 * loss = nll(chosen rows, over `weight`) − beta · mean(logsigmoid(log_odds)).
 * Shapes: logp, weight (1 where a token counts for the nll), completion (1 on completion tokens) [2n, T];
 * returns loss [1], nll [1], pairs [n, 4] (ORPO_COLUMNS). Every row needs a completion token.
 * Source: Hong et al., "ORPO", 2024; the scope of the nll is that of TRL (prompt and chosen).
 */
export function orpoLoss(
  tape: Tape,
  { logp, weight, completion }: { logp: Tensor; weight: Tensor; completion: Tensor },
  { beta }: { beta: number },
): { loss: Tensor; nll: Tensor; pairs: Tensor } {
  const [rows, T] = dimsOf(logp, 2), n = rows / 2;
  for (const x of [weight, completion]) expectShape(x, logp.shape, "orpo_loss");
  const attributes = { n, T, beta };
  const loss = tape.tensor("loss", [1]), nll = tape.tensor("nll", [1]), pairs = tape.tensor("pairs", [n, 4]);
  const reads = { logp, weight, completion };
  tape.step(orpoLossForward, { attributes, reads, writes: { loss, nll, pairs } });
  tape.onBackward(() => {
    const dloss = tape.gradient(loss), dlogp = tape.target(logp);
    if (!dloss || !dlogp) return;
    const writes = { dlogp: dlogp.tensor };
    tape.step(orpoLossBackward, {
      attributes,
      reads: { dloss, weight, completion, pairs },
      writes,
    });
  });
  return { loss, nll, pairs };
}
