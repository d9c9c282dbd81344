/** Runs a sweep: each round is an ordinary run in its own folder, and the choice is written beside them. */
import { join } from "node:path";
import type { StudyConfig } from "../../core/config/mod.ts";
import { isTemporary, makeFolders, systemDisk, writeShared } from "../../core/disk/mod.ts";
import { quoted, UsageError } from "../../core/errors.ts";
import {
  FILES,
  jsonText,
  loadRun,
  roundFolder,
  type Run,
  SWEEP_FILES,
  type SweepRecord,
} from "../../core/record/mod.ts";
import { sweepChart, sweepCsv } from "../../core/report/mod.ts";
import { failuresOf } from "../../core/report/summary.ts";
import { type Outcome, runSweep } from "../../core/study/sweep.ts";
import { type Resolve, studyOfTrials, type Trial } from "../../core/study/sweep_grid.ts";
import { originsOf, type SweepConfig, type Values } from "../../core/study_file/mod.ts";
import type { OpenStudy } from "./new_study.ts";
import { conductCells } from "./cells.ts";
import { commandWithout } from "./command_words.ts";
import { OF_JOBS, runInJobs } from "./jobs.ts";
import { runAndWrite } from "./study.ts";
import { placeOfSweep } from "./swept.ts";

/** A sweep that is ready to run. */
export interface SweepPlan extends Omit<OpenStudy, "resolved" | "parts"> {
  /** The study whose arms are tried. */
  readonly base: StudyConfig;
  readonly values: Values;
  readonly sweep: SweepConfig;
  readonly resolve: Resolve;
  readonly folder: string;
  /** Run only these cells of the first unfinished round, each in a folder of its own. */
  readonly cells?: { readonly words: string; readonly json: boolean };
  /** Number of parallel processes. */
  readonly jobs?: number;
}

/** The folder of the cells of a round. hymba merge joins them. */
const cellsFolder = (folder: string, round: number): string => `${roundFolder(folder, round)}-cells`;

/** Throws a UsageError if a folder has other content than a sweep. */
async function requireSweepFolder(folder: string): Promise<void> {
  const found = await systemDisk.stat(folder);
  if (!found) return;
  const names = found.kind === "folder" ? await systemDisk.list(folder) : [];
  const isRound = (name: string) => /^round-\d+(-cells)?$/.test(name);
  // The rounds come first, so files of these names without a round are somebody else's.
  const files = names.some(isRound) ? Object.values<string>(SWEEP_FILES) : [];
  const foreign = names.filter((name) => !isTemporary(name) && !isRound(name) && !files.includes(name));
  if (found.kind === "folder" && foreign.length === 0) return;
  throw new UsageError(`${folder} is not a sweep`, {
    expected: "a new or empty folder, or one that a sweep wrote",
    got: found.kind === "folder" ? foreign.slice(0, 3).map(quoted).join(", ") : "a file",
    hint: "choose another folder with --out",
  });
}

/** The results of the trials of a finished round. */
function outcomesOf({ record, results }: Run, trials: readonly Trial[], round: number): Outcome[] {
  return trials.map((trial) => ({
    ...trial,
    round,
    losses: record.study.seeds.map((seed) => {
      const loss = results.find((one) => one.arm === trial.name && one.seed === seed)?.stages.pretraining?.final.loss;
      return { seed, ...(loss === undefined ? {} : { loss }) };
    }),
  }));
}

/** The values of a study, without the keys of the sweep itself. */
const plainValues = (values: Values): Record<string, string> =>
  Object.fromEntries(
    [...values].filter(([path]) => !path.startsWith("sweep.") && path !== "seeds")
      .map(([path, { value }]) => [path, JSON.stringify(value)]),
  );

/** The run of a finished round: every trial has a result or diverged with every seed. Undefined for any other. */
async function finishedRound(folder: string, trials: readonly Trial[]): Promise<Run | undefined> {
  if (!await systemDisk.stat(join(folder, FILES.record))) return undefined;
  const run = await loadRun(systemDisk, folder), failures = failuresOf(run);
  const isDone = (name: string, seed: number) =>
    [...run.results, ...failures].some((one) => one.arm === name && one.seed === seed);
  const all = trials.flatMap(({ name }) => run.record.study.seeds.map((seed) => isDone(name, seed)));
  return all.every(Boolean) ? run : undefined;
}

/** Trains a round, or only some of its cells. Returns its results, or undefined if they are not known yet. */
async function trainRound(
  { base, values, sweep: { seeds }, resolve, folder, cells, jobs, ...open }: SweepPlan,
  { trials, round }: { trials: readonly Trial[]; round: number },
): Promise<Outcome[] | undefined> {
  const study = studyOfTrials(trials, { base, seeds, resolve, flag: placeOfSweep(values) }),
    goal = roundFolder(folder, round);
  const common = { ...open, study, origins: originsOf(values), test: false };
  if (!cells) {
    open.display.say(`round ${round} of the sweep: ${trials.length} points, ${seeds.length} seeds each`);
    const beside = jobs &&
      { jobs, cells: cellsFolder(folder, round), words: [...commandWithout(OF_JOBS), "--out", folder] };
    const ready = { ...common, folder: goal };
    const { run } = await (beside ? runInJobs(ready, beside) : runAndWrite(ready));
    return outcomesOf(run, trials, round);
  }
  const run = await finishedRound(goal, trials), own = cellsFolder(folder, round);
  if (run) return outcomesOf(run, trials, round);
  open.display.say(`round ${round} of the sweep: hymba merge ${own} --out ${goal} makes one run of its cells`);
  await conductCells({ ...common, folder: own, json: cells.json }, cells.words);
  return undefined;
}

/**
 * Trains every missing point, chooses, and writes the three files of the sweep. Returns their content; undefined if only some
 * cells were trained.
 */
export async function trainSweep(
  plan: SweepPlan,
): Promise<{ record: SweepRecord; written: string[] } | undefined> {
  const { base, values, sweep: { over, perArm, extend, seeds }, folder, corpus: { name, sha256 } } = plan;
  await requireSweepFolder(folder);
  const arms = base.arms.map(({ name }) => name);
  const found = await runSweep(arms, plan.sweep, (trials, round) => trainRound(plan, { trials, round }));
  if (!found) return undefined;
  const { rounds, outcomes, choices } = found;
  const record: SweepRecord = {
    format: 1,
    study: base.preset,
    corpus: { name, sha256 },
    over,
    perArm,
    extend,
    seeds,
    rounds,
    trials: outcomes,
    choices,
    values: plainValues(values),
  };
  return { record, written: await writeSweep(folder, record) };
}

/** Writes the files of a sweep. The record is the last one, so it marks a finished sweep. */
async function writeSweep(folder: string, record: SweepRecord): Promise<string[]> {
  const { csv, chart, record: name } = SWEEP_FILES;
  await makeFolders(systemDisk, folder);
  // Several processes with cells may find at the same time that the sweep is finished.
  await writeShared(systemDisk, join(folder, csv), sweepCsv(record));
  await writeShared(systemDisk, join(folder, chart), await sweepChart(record));
  await writeShared(systemDisk, join(folder, name), jsonText(record));
  return [csv, chart, name].map((file) => join(folder, file));
}
