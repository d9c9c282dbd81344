/**
 * This folder: quality on tokens, attention maps, recall probe, comparisons of models, power, kinds of tokens, lesions.
 * Loss, perplexity and bits per byte of a model on given tokens, and preference measures on pairs.
 */
import { type Pair, preferenceBatch } from "../data/preference.ts";
import type { Scorer } from "../infer/scorer.ts";
import { at, mean } from "../lists.ts";
import type { PreferenceMeasures, Quality } from "../record/mod.ts";

/** Nats per token in the forms that reports use. `bytes`: of the text that the tokens stand for. */
export function qualityOf(loss: number, { tokens, bytes }: { tokens: number; bytes: number }): Quality {
  return { loss, perplexity: Math.exp(loss), bitsPerByte: loss * tokens / (bytes * Math.LN2) };
}

/** The same from the log-probability of each predicted token. */
export function qualityOfTokens(logps: Float32Array, { bytes }: { bytes: number }): Quality {
  return qualityOf(-mean(logps), { tokens: logps.length, bytes });
}

/** ln(1 − e^x) for x < 0 without cancellation. Source: Mächler, "Accurately computing log(1 − exp(−|a|))", 2012. */
const log1mexp = (x: number) => x < -Math.LN2 ? Math.log1p(-Math.exp(x)) : Math.log(-Math.expm1(x));

/** Mean log-probability per completion token of chosen and rejected continuations, over all pairs. */
export async function preferenceMeasures(
  scorer: Scorer,
  pairs: readonly Pair[],
  { step }: { step: number },
): Promise<PreferenceMeasures> {
  const { B, T } = scorer.made, n = B / 2, scored: { chosen: number; rejected: number }[] = [];
  for (let from = 0; from < pairs.length; from += n) {
    const some = Array.from({ length: n }, (_, i) => at(pairs, Math.min(from + i, pairs.length - 1)));
    const logp = await scorer.logp(preferenceBatch(some));
    for (const [i, { chosen: { length: C } }] of some.slice(0, pairs.length - from).entries()) {
      const ofCompletion = (row: number) => mean(logp.subarray((row + 1) * T - C, (row + 1) * T));
      scored.push({ chosen: ofCompletion(i), rejected: ofCompletion(n + i) });
    }
  }
  const average = (of: (pair: typeof scored[number]) => number) => mean(scored.map(of));
  return {
    step,
    accuracy: average(({ chosen, rejected }) => chosen > rejected ? 1 : 0),
    margin: average(({ chosen, rejected }) => chosen - rejected),
    logOdds: average(({ chosen, rejected }) => chosen - rejected - (log1mexp(chosen) - log1mexp(rejected))),
    chosenLogp: average(({ chosen }) => chosen),
    rejectedLogp: average(({ rejected }) => rejected),
  };
}
