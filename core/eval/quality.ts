/** Loss, perplexity and bits per byte of a model on given tokens, and preference measures on pairs. */
import { Diverged, throwIfStopped } from "../errors.ts";
import type { PreferenceMeasures, Quality } from "../record/mod.ts";
import { type Batch, evaluationBatches } from "../data/batches.ts";
import { type Pair, preferenceBatch } from "../data/preference.ts";
import type { ForwardOptions } from "../nn/model.ts";
import type { ParameterStore } from "../params/store.ts";
import { type Executor, inWords, type Program } from "../plan/mod.ts";
import { type EvaluationPlan, evaluationPlan } from "../train/plans.ts";

/** Nats per token in the forms that reports use. `bytes`: of the text that the tokens stand for. */
export function qualityOf(loss: number, { tokens, bytes }: { tokens: number; bytes: number }): Quality {
  return { loss, perplexity: Math.exp(loss), bitsPerByte: loss * tokens / (bytes * Math.LN2) };
}

/** The quality that log-probabilities of predicted tokens make. */
export function qualityOfTokens(logps: Float32Array, { bytes }: { bytes: number }): Quality {
  const loss = -logps.reduce((sum, logp) => sum + logp, 0) / logps.length;
  return qualityOf(loss, { tokens: logps.length, bytes });
}

/** ln(1 − e^x) for x < 0 without losing digits. Source: Mächler, "Accurately computing log(1 − exp(−|a|))", 2012. */
const log1mexp = (x: number) => x < -Math.LN2 ? Math.log1p(-Math.exp(x)) : Math.log(-Math.expm1(x));

/** Scores token sequences of one shape with the weights that the executor holds. */
export class Scorer {
  private constructor(
    private readonly program: Program,
    private readonly made: EvaluationPlan,
    readonly B: number,
    readonly T: number,
    private readonly signal: AbortSignal | undefined,
  ) {}

  static async create(
    executor: Executor,
    store: ParameterStore,
    { B, T, signal, ...options }: ForwardOptions & { B: number; T: number; signal?: AbortSignal },
  ): Promise<Scorer> {
    const made = evaluationPlan(store, { B, T, ...options });
    return new Scorer(await executor.prepare(made.plan), made, B, T, signal);
  }

  /** Log-probability of each target, [B, T]. Throws Interrupted when the signal has aborted, Diverged when one is no number. */
  async logp({ ids, targets }: Pick<Batch, "ids" | "targets">): Promise<Float32Array> {
    throwIfStopped(this.signal, "evaluating");
    this.program.write(this.made.ids, ids);
    this.program.write(this.made.targets, targets);
    await this.program.run();
    const logp = await this.program.read(this.made.logp) as Float32Array;
    if (logp.every(Number.isFinite)) return logp;
    const where = await this.program.findNonFinite();
    throw new Diverged("a log-probability is no finite number", { got: where && inWords(where) });
  }

  /** Every token but the first, in windows of T: the log-probability of each. */
  async tokenLogps(tokens: Uint32Array): Promise<Float32Array> {
    const all = new Float32Array(tokens.length - 1);
    let at = 0;
    for (const batch of evaluationBatches(tokens, this)) {
      const logp = await this.logp(batch);
      for (let i = 0; i < logp.length; i++) if (batch.weight[i] === 1) all[at++] = logp[i]!;
    }
    return all;
  }

  async quality(tokens: Uint32Array, { bytes }: { bytes: number }): Promise<Quality> {
    return qualityOfTokens(await this.tokenLogps(tokens), { bytes });
  }

  dispose(): void {
    this.program.dispose();
  }
}

/** Mean log-probability per completion token of chosen and rejected continuations, over all pairs. */
export async function preferenceMeasures(
  scorer: Scorer,
  pairs: readonly Pair[],
  { step }: { step: number },
): Promise<PreferenceMeasures> {
  const n = scorer.B / 2, C = pairs[0]!.chosen.length, T = scorer.T;
  const chosen: number[] = [], rejected: number[] = [];
  for (let at = 0; at < pairs.length; at += n) {
    const some = Array.from({ length: n }, (_, i) => pairs[Math.min(at + i, pairs.length - 1)]!);
    const logp = await scorer.logp(preferenceBatch(some));
    const mean = (row: number) => logp.subarray((row + 1) * T - C, (row + 1) * T).reduce((sum, x) => sum + x, 0) / C;
    for (let i = 0; i < n && at + i < pairs.length; i++) chosen.push(mean(i)), rejected.push(mean(n + i));
  }
  const average = (of: (i: number) => number) => chosen.reduce((sum, _, i) => sum + of(i), 0) / chosen.length;
  return {
    step,
    accuracy: average((i) => chosen[i]! > rejected[i]! ? 1 : 0),
    margin: average((i) => chosen[i]! - rejected[i]!),
    logOdds: average((i) => chosen[i]! - rejected[i]! - (log1mexp(chosen[i]!) - log1mexp(rejected[i]!))),
    chosenLogp: average((i) => chosen[i]!),
    rejectedLogp: average((i) => rejected[i]!),
  };
}
