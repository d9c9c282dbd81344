/** Losses over log-probabilities of tokens, in float64. Source of ORPO: Hong et al., "ORPO", 2024, eq. 3 to 7. */
import { type Array64, dot, sumOf, vector, zeros, zerosLike } from "./typed_array.ts";
import type { Reference } from "./types.ts";

/** Larger mean log-probabilities are clipped to this before the odds are taken, which overflow near 0. */
const HIGHEST_LOGP = -1e-7;

const logSigmoid = (x: number) => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)));
const sigmoid = (x: number) => Math.exp(logSigmoid(x));
/** log(1 − e^x) for x < 0, by the formula that keeps the digits. */
const log1mexp = (x: number) => x < -Math.LN2 ? Math.log1p(-Math.exp(x)) : Math.log(-Math.expm1(x));

/** loss = −Σ weight · logp / Σ weight */
export const nllLossForward: Reference<"nll_loss_forward"> = ({ logp, weight }) => ({
  loss: vector(-dot(logp.row(0), weight.row(0)) / sumOf(weight.row(0))),
});

/** dlogp = −dloss · weight / Σ weight */
export const nllLossBackward: Reference<"nll_loss_backward"> = ({ dloss, weight }, { R }) => {
  const dlogp = zeros(R), total = sumOf(weight.row(0));
  for (let r = 0; r < R; r++) dlogp.set(-dloss.at(0) * weight.at(r) / total, r);
  return { dlogp };
};

/** The n chosen rows of [2n, T], one after the other. */
const chosenRows = (x: Array64, { n, T }: { n: number; T: number }) => x.reshape(2, n * T).row(0);

/**
 * c, r = mean logp of the completion of a pair's chosen and rejected row, log odds = log(odds(c) / odds(r)), odds(x) = e^x / (1 − e^x);
 * loss = nll of the chosen rows − beta · mean(log sigmoid(log odds)). A row of `pairs` is c, r, log odds, log sigmoid.
 */
export const orpoLossForward: Reference<"orpo_loss_forward"> = ({ logp, weight, completion }, { n, T, beta }) => {
  const chosenWeight = chosenRows(weight, { n, T });
  const nll = -dot(chosenWeight, chosenRows(logp, { n, T })) / sumOf(chosenWeight);
  const meanOf = (row: number) => dot(logp.row(row), completion.row(row)) / sumOf(completion.row(row));
  const pairs = zeros(n, 4);
  let penalty = 0;
  for (let pair = 0; pair < n; pair++) {
    const c = meanOf(pair), r = meanOf(n + pair);
    const logOdds = (c - r) - (log1mexp(Math.min(c, HIGHEST_LOGP)) - log1mexp(Math.min(r, HIGHEST_LOGP)));
    pairs.row(pair).copyFrom(vector(c, r, logOdds, logSigmoid(logOdds)).row(0));
    penalty -= logSigmoid(logOdds) / n;
  }
  return { loss: vector(nll + beta * penalty), nll: vector(nll), pairs };
};

/** dlogp = dloss · (dnll + dmean · completion / Σ completion), dmean = ∓ beta / n · sigmoid(−log odds) / (1 − e^mean). */
export const orpoLossBackward: Reference<"orpo_loss_backward"> = (reads, { n, T, beta }) => {
  const { dloss, weight, completion, pairs } = reads, dlogp = zerosLike(weight);
  const total = sumOf(chosenRows(weight, { n, T }));
  for (let row = 0; row < 2 * n; row++) {
    const pair = row % n, chosen = row < n, mean = pairs.at(pair, chosen ? 0 : 1), tokens = sumOf(completion.row(row));
    // d log odds / d mean is 1 / (1 − e^mean), or 1 where the mean is clipped.
    const slope = mean < HIGHEST_LOGP ? 1 / -Math.expm1(mean) : 1;
    const dmean = (chosen ? -1 : 1) * beta / n * sigmoid(-pairs.at(pair, 2)) * slope;
    for (let t = 0; t < T; t++) {
      const dnll = chosen ? -weight.at(row, t) / total : 0;
      dlogp.set(dloss.at(0) * (dnll + dmean * completion.at(row, t) / tokens), row, t);
    }
  }
  return { dlogp };
};
