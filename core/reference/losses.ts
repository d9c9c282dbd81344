/** Losses over token log-probabilities, in float64. Source of ORPO: Hong et al., 2024, eq. 3 to 7. */
import { need, type Reference } from "./types.ts";

/** The largest mean log-probability that the odds are taken of: nearer to 0 they overflow. */
export const HIGHEST_LOGP = -1e-7;

const logSigmoid = (x: number) => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)));
const sigmoid = (x: number) => Math.exp(logSigmoid(x));
/** log(1 − e^x) for x < 0. */
const log1mexp = (x: number) => x < -Math.LN2 ? Math.log1p(-Math.exp(x)) : Math.log(-Math.expm1(x));
const sumOf = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0);
const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

/** Reads logp [R], weight [R]; makes loss [1] = −Σ weight · logp / Σ weight. */
export const nllLossForward: Reference = (reads) => {
  const logp = need(reads, "logp"), weight = need(reads, "weight");
  return { loss: Float64Array.of(-dot(logp, weight) / sumOf(weight)) };
};

/** Reads dloss [1], weight [R]; makes dlogp [R]. */
export const nllLossBackward: Reference = (reads) => {
  const dloss = need(reads, "dloss")[0]!, weight = need(reads, "weight"), total = sumOf(weight);
  return { dlogp: weight.map((value) => -dloss * value / total) };
};

/** Reads logp, weight, completion [2n, T]; makes loss [1], nll [1] and pairs [n, 4] (chosen, rejected, log odds, log sigmoid). */
export const orpoLossForward: Reference = (reads, { n, T, beta }) => {
  const logp = need(reads, "logp"), weight = need(reads, "weight"), completion = need(reads, "completion");
  const meanOf = (row: number) => {
    const [from, to] = [row * T!, (row + 1) * T!], mask = completion.subarray(from, to);
    return dot(logp.subarray(from, to), mask) / sumOf(mask);
  };
  const chosenWeight = weight.subarray(0, n! * T!);
  const nll = -dot(chosenWeight, logp) / sumOf(chosenWeight);
  const pairs = new Float64Array(n! * 4);
  let penalty = 0;
  for (let pair = 0; pair < n!; pair++) {
    const c = meanOf(pair), r = meanOf(n! + pair);
    const [cut, cutR] = [Math.min(c, HIGHEST_LOGP), Math.min(r, HIGHEST_LOGP)];
    const logOdds = (c - r) - (log1mexp(cut) - log1mexp(cutR));
    pairs.set([c, r, logOdds, logSigmoid(logOdds)], pair * 4);
    penalty -= logSigmoid(logOdds) / n!;
  }
  return { loss: Float64Array.of(nll + beta! * penalty), nll: Float64Array.of(nll), pairs };
};

/** Reads dloss [1], weight, completion [2n, T], pairs [n, 4]; makes dlogp [2n, T]. */
export const orpoLossBackward: Reference = (reads, { n, T, beta }) => {
  const dloss = need(reads, "dloss")[0]!, weight = need(reads, "weight"), pairs = need(reads, "pairs");
  const completion = need(reads, "completion"), dlogp = new Float64Array(weight.length);
  const total = sumOf(weight.subarray(0, n! * T!));
  for (let row = 0; row < 2 * n!; row++) {
    const pair = row % n!, chosen = row < n!, mean = pairs[pair * 4 + (chosen ? 0 : 1)]!;
    const mask = completion.subarray(row * T!, (row + 1) * T!);
    // d log_odds / d mean is 1 / (1 − p), or 1 where the odds are cut off.
    const slope = mean < HIGHEST_LOGP ? 1 / -Math.expm1(mean) : 1;
    const dmean = (chosen ? -1 : 1) * beta! / n! * sigmoid(-pairs[pair * 4 + 2]!) * slope;
    mask.forEach((counts, t) => {
      const at = row * T! + t, nll = chosen ? -weight[at]! / total : 0;
      dlogp[at] = dloss * (nll + dmean * counts / sumOf(mask));
    });
  }
  return { dlogp };
};
