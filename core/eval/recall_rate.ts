/** Finds a learning rate for each arm of the recall probe. Every rate is tried with seeds that nothing else uses. */
import type { Arm, RecallConfig } from "../config/mod.ts";
import { Diverged } from "../errors.ts";
import { mean } from "../lists.ts";
import type { Executor } from "../plan/mod.ts";
import { meanAccuracy, probeRecall, type RecallOptions } from "./recall.ts";

/** Seeds that are used only to choose a rate. */
const SEEDS = [1_000_001, 1_000_002];

/** One training that was tried. */
export interface TriedRate {
  readonly arm: string;
  readonly rate: number;
  readonly seed: number;
  /** Share of right answers over all distances; undefined where the training diverged. */
  readonly accuracy: number | undefined;
  readonly loss: number | undefined;
}

/** Trains the arm with every rate and both seeds. Throws Interrupted when the signal aborts. */
export async function tryRates(
  executor: Executor,
  arm: Arm,
  { recall, rates, ...options }: Omit<RecallOptions, "seed"> & { recall: RecallConfig; rates: readonly number[] },
): Promise<TriedRate[]> {
  const tried: TriedRate[] = [];
  for (const rate of rates) {
    for (const seed of SEEDS) {
      try {
        const found = await probeRecall(executor, arm, { recall: { ...recall, rate }, seed, ...options });
        tried.push({ arm: arm.name, rate, seed, accuracy: meanAccuracy(found.accuracies), loss: found.loss });
      } catch (error) {
        if (!(error instanceof Diverged)) throw error;
        tried.push({ arm: arm.name, rate, seed, accuracy: undefined, loss: undefined });
      }
    }
  }
  return tried;
}

/**
 * The rate with the best mean accuracy, and among rates that are equally good the one with the lowest mean loss. A training
 * that diverged counts as accuracy 0. Undefined if every training diverged.
 */
export function bestRate(tried: readonly TriedRate[]): number | undefined {
  const found = [...Map.groupBy(tried, ({ rate }) => rate)].map(([rate, runs]) => ({
    rate,
    accuracy: mean(runs.map(({ accuracy = 0 }) => accuracy)),
    loss: mean(runs.map(({ loss = Infinity }) => loss)),
  }));
  const sound = found.filter(({ rate }) => tried.some((one) => one.rate === rate && one.loss !== undefined));
  return sound.toSorted((a, b) => b.accuracy - a.accuracy || a.loss - b.loss)[0]?.rate;
}
