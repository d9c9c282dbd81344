/** The results of a sweep: as CSV, and as a table for the terminal. */
import type { SweepRecord } from "../record/mod.ts";
import { expectedBest, meanLoss } from "../study/sweep.ts";
import { type Cell as CsvCell, csvText } from "./csv.ts";
import { fixed } from "./format.ts";

type Trial = SweepRecord["trials"][number];

/** A value of a key as text. */
const shown = (value: unknown): string => typeof value === "string" ? value : JSON.stringify(value) ?? "";

/** A point in words: `pretraining.rate = 0.002, pretraining.batch = 8`. */
export const pointInWords = (point: Readonly<Record<string, unknown>>): string =>
  Object.entries(point).map(([path, value]) => `${path} = ${shown(value)}`).join(", ") || "no key of the sweep";

/** Whether a trial was chosen for its arm. */
export const isChosen = ({ choices }: SweepRecord, { arm, point }: Trial): boolean =>
  choices.some((choice) => choice.arm === arm && JSON.stringify(choice.point) === JSON.stringify(point));

/**
 * The losses of all trainings of an arm in the first round; a training that diverged counts as infinite. Later rounds were added
 * because of the losses of the first one, so an expectation over all rounds would be biased.
 */
const firstLosses = ({ trials }: SweepRecord, arm: string): number[] =>
  trials.filter((trial) => trial.arm === arm && trial.round === 1).flatMap(({ losses }) =>
    losses.map(({ loss }) => loss ?? Infinity)
  );

/** The arms of a sweep in their order. */
export const armsOfSweep = ({ trials }: SweepRecord): string[] => [...new Set(trials.map(({ arm }) => arm))];

/**
 * sweep.csv: a row of kind `training` for each arm, point and seed; of kind `point` for each arm and point, with the mean over
 * the seeds; of kind `best_of` for each arm and k, with the expected lowest loss of k trainings of round 1.
 */
export function sweepCsv(record: SweepRecord): string {
  const keys = record.over.map(({ path }) => path);
  const head = ["kind", "model", ...keys, "round", "seed", "loss_nats", "perplexity", "diverged", "chosen", "k"];
  const keysOf = ({ point }: Trial) => keys.map((key): CsvCell => key in point ? shown(point[key]) : undefined);
  const yes = (is: boolean) => is ? "yes" : "no";
  const trainings = record.trials.flatMap((trial) =>
    trial.losses.map(({ seed, loss }): CsvCell[] => {
      const own = [trial.round, seed, loss, loss === undefined ? undefined : Math.exp(loss), yes(loss === undefined)];
      return ["training", trial.arm, ...keysOf(trial), ...own, yes(isChosen(record, trial)), undefined];
    })
  );
  const points = record.trials.map((trial): CsvCell[] => {
    const loss = meanLoss(trial), own = [trial.round, undefined, loss, Math.exp(loss), yes(loss === Infinity)];
    return ["point", trial.arm, ...keysOf(trial), ...own, yes(isChosen(record, trial)), undefined];
  });
  const none = keys.map((): CsvCell => undefined);
  const best = armsOfSweep(record).flatMap((arm) =>
    expectedBest(firstLosses(record, arm)).map((loss, i): CsvCell[] => {
      const own = [1, undefined, loss, Math.exp(loss), undefined, undefined, i + 1];
      return ["best_of", arm, ...none, ...own];
    })
  );
  return csvText([head, ...trainings, ...points, ...best]);
}

/** The rows of a table for the terminal: the choice for each arm, with notes. */
export function choiceRows(record: SweepRecord): string[][] {
  const head = ["model", "choice", "loss", "perplexity", "diverged", "note"];
  const rows = armsOfSweep(record).map((arm) => {
    const own = record.trials.filter((trial) => trial.arm === arm),
      choice = record.choices.find((one) => one.arm === arm);
    const all = own.flatMap(({ losses }) => losses), diverged = all.filter(({ loss }) => loss === undefined).length;
    const count = `${diverged} of ${all.length}`;
    if (!choice) return [arm, "none", "", "", count, "every point diverged"];
    const note = choice.edge.length > 0 ? `optimum not found: ${choice.edge.join(", ")} at the edge` : "";
    return [arm, pointInWords(choice.point), fixed(choice.loss, 4), fixed(Math.exp(choice.loss)), count, note];
  });
  return [head, ...rows];
}
