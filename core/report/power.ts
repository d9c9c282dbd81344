/** The number of seeds that a study needs, for every pair of models and every factor of a factorial suite. */
import type { Comparison } from "../eval/comparison.ts";
import {
  type Aim,
  detectable,
  deviationInterval,
  MOST_SEEDS,
  powerOf,
  type Scatter,
  seedsNeeded,
} from "../eval/power.ts";
import { HymbaError } from "../errors.ts";
import type { Run, StageName } from "../record/mod.ts";
import { oneLine } from "./caption.ts";
import { fixed } from "./format.ts";
import { comparisons, factorEffects, lastStageOf } from "./statistics.ts";
import type { Column } from "./text_table.ts";

/** A comparison and the number of seeds that it needs. */
export interface Needed {
  readonly name: string;
  /** The present number of seeds. */
  readonly seeds: number;
  readonly difference_nats: number;
  /** Standard deviation of the difference between seeds, and its 95 % interval. */
  readonly deviation_nats: number;
  readonly deviation_interval_nats: readonly [low: number, high: number];
  readonly text_error_nats: number;
  /** Power with the present number of seeds, and the smallest difference that they find. */
  readonly power_now: number;
  readonly detectable_now_nats: number;
  /**
   * The needed number of seeds, and its interval from that of the deviation; null if no number up to the largest is enough.
   */
  readonly needed: number | null;
  readonly needed_interval: readonly [low: number | null, high: number | null];
}

function neededFor(name: string, { comparison, arms }: { comparison: Comparison; arms: number }, aim: Aim): Needed {
  const { seeds, freedom, seedError, textError, mean } = comparison;
  const scatter: Scatter = { deviation: seedError * Math.sqrt(seeds), freedom, arms, textError };
  const interval = deviationInterval(scatter);
  const needed = (deviation: number) => seedsNeeded({ ...scatter, deviation }, aim) ?? null;
  return {
    name,
    seeds,
    difference_nats: mean,
    deviation_nats: scatter.deviation,
    deviation_interval_nats: interval,
    text_error_nats: textError,
    power_now: powerOf(scatter, aim, seeds),
    detectable_now_nats: detectable(scatter, aim, seeds),
    needed: needed(scatter.deviation),
    needed_interval: [needed(interval[0]), needed(interval[1])],
  };
}

/** The number of seeds that a study needs. */
export interface PowerReport extends Aim {
  readonly stage: StageName;
  /** Number of comparisons; `level` is 5 % divided by it (Bonferroni). */
  readonly together: number;
  readonly rows: readonly Needed[];
}

/** The seeds that each comparison needs. Throws a HymbaError for a run without losses of tokens, or with one seed. */
export function powerReport(
  run: Run,
  { detect, power, stage = lastStageOf(run) }: Pick<Aim, "detect" | "power"> & { stage?: StageName },
): PowerReport {
  const pairs = comparisons(run, stage), factors = factorEffects(run, stage);
  if (![...pairs, ...factors].some(({ comparison }) => comparison.freedom > 0)) {
    throw new HymbaError("the scatter of the seeds is not known", {
      expected: "two models with two seeds or more that finished the stage, with their losses on the validation tokens",
      hint: "hymba ablate --seeds 3 makes such a run",
    });
  }
  const level = (together: number) => ({ detect, power, level: 0.05 / Math.max(1, together) });
  const known = <T extends { comparison: Comparison }>(all: readonly T[]) =>
    all.filter(({ comparison }) => comparison.freedom > 0);
  const arms = run.record.study.arms.length;
  return {
    ...level(pairs.length),
    stage,
    together: pairs.length,
    rows: [
      ...known(factors).map(({ words, comparison }) => neededFor(words, { comparison, arms }, level(factors.length))),
      ...known(pairs).map(({ a, b, comparison }) =>
        neededFor(`${oneLine(a)} − ${oneLine(b)}`, { comparison, arms: 2 }, level(pairs.length))
      ),
    ],
  };
}

const seedsText = (count: number | null): string => count === null ? `> ${MOST_SEEDS}` : String(count);

/** The report as columns and rows. */
export function powerTable({ rows }: PowerReport): { columns: Column[]; rows: string[][] } {
  return {
    columns: [
      { name: "comparison", align: "left" },
      { name: "difference", unit: "nats/token" },
      { name: "SD of a seed", unit: "nats/token" },
      { name: "text", unit: "± nats/token" },
      { name: "has", unit: "seeds" },
      { name: "they find", unit: "nats/token" },
      { name: "needs", unit: "seeds" },
      { name: "95 % interval", unit: "seeds" },
    ],
    rows: rows.map((row) => [
      row.name,
      fixed(row.difference_nats, 4),
      fixed(row.deviation_nats, 4),
      fixed(row.text_error_nats, 4),
      String(row.seeds),
      fixed(row.detectable_now_nats, 4),
      seedsText(row.needed),
      row.needed_interval.map(seedsText).join(" to "),
    ]),
  };
}

/** Explains the table. */
export const powerNote = ({ detect, power, together, stage }: PowerReport): string =>
  `Stage ${stage}. So many paired seeds find a difference of ${detect} nats per token in ${
    Math.round(100 * power)
  } of 100 ` +
  `studies, with ${
    together > 1 ? `all ${together} pairs of models compared (5 % for all together)` : "a two-sided test at 5 %"
  }. The scatter is that of the seeds of this run, and the interval is that of its standard deviation: with few seeds it is wide. ` +
  `Where no number suffices, the text is too short: its standard error does not fall with the seeds.`;
