/** A summary of the runs of a folder, for the commands that list, watch and clean them. */
import { relative } from "node:path";
import { systemDisk } from "../../core/disk/mod.ts";
import { UsageError } from "../../core/errors.ts";
import {
  type ArmResult,
  readStanding,
  runFolders,
  RUNS,
  type RunStanding,
  type StageName,
  studyLabel,
} from "../../core/record/mod.ts";
import { lastStage, spreadOf } from "../../core/report/summary.ts";
import { bytes } from "../ui/progress.ts";
import { table } from "../ui/table.ts";

/** The model with the lowest loss of a run, over its seeds. */
export interface BestModel {
  readonly model: string;
  readonly stage: StageName;
  /** Nats per token, and the perplexity: means over the seeds. */
  readonly loss: number;
  readonly perplexity: number;
  readonly seeds: number;
}

/** The best of the finished models. Undefined if none is finished, or if their last stages differ. */
export function bestModel(results: readonly ArmResult[]): BestModel | undefined {
  const stage: StageName = results.every(({ stages }) => stages.orpo) ? "orpo" : "pretraining";
  const models = [...Map.groupBy(results, ({ arm }) => arm)].flatMap(([model, own]) => {
    const final = own.map((result) => lastStage(result)?.final);
    const loss = spreadOf(final.map((one) => one?.loss)), perplexity = spreadOf(final.map((one) => one?.perplexity));
    return loss && perplexity
      ? [{ model, stage, loss: loss.mean, perplexity: perplexity.mean, seeds: own.length }]
      : [];
  });
  return models.sort((a, b) => a.loss - b.loss)[0];
}

/** The runs below a folder, the newest first. Runs that cannot be read come last. */
export async function standingsIn(root: string): Promise<RunStanding[]> {
  const found: RunStanding[] = [];
  for (const folder of await runFolders(systemDisk, root)) found.push(await readStanding(systemDisk, folder));
  const started = ({ record }: RunStanding) => record?.started ?? "";
  return found.sort((a, b) => started(b).localeCompare(started(a), "en"));
}

/** The named folder of runs, or the default one. Throws a UsageError if a named one does not exist. */
export async function runsRoot(named: string | undefined): Promise<string> {
  if (named === undefined) return RUNS;
  if ((await systemDisk.stat(named))?.kind === "folder") return named;
  throw new UsageError(`${named} is not a folder`, { expected: "a folder with runs in it", hint: "hymba runs" });
}

/** The progress of a run in words: `5 of 5`, and how many of these diverged. */
export const cellsInWords = ({ done, cells, diverged }: RunStanding): string =>
  `${done} of ${cells}${diverged > 0 ? `, ${diverged} diverged` : ""}`;

/** A table of runs; their names are relative to `root`. */
export function runsTable(standings: readonly RunStanding[], root: string): string {
  const rows = standings.map((standing) => {
    const { folder, state, record, results, bytes: size, fault } = standing, best = bestModel(results);
    return [
      relative(root, folder) || folder,
      state,
      record ? cellsInWords(standing) : "",
      bytes(size),
      best ? `${best.model} ${best.perplexity.toFixed(2)}` : "",
      record?.started.slice(5, 16).replace("T", " ") ?? "",
      record ? studyLabel(record).words : fault ?? "",
    ];
  });
  return table([["run", "state", "models", "size", "lowest perplexity", "began (UTC)", "study"], ...rows]);
}

/** A run as JSON. */
export function standingJson({ folder, state, record, results, bytes, cells, done, diverged, fault }: RunStanding) {
  const best = bestModel(results);
  return {
    run: folder,
    state,
    bytes,
    trainings: cells,
    trainings_done: done,
    trainings_diverged: diverged,
    ...(record && {
      study: record.study.preset,
      corpus: record.corpus.name,
      started: record.started,
      models: record.study.arms.map(({ name }) => name),
      seeds: record.study.seeds,
    }),
    ...(best && { best }),
    ...(fault !== undefined && { fault }),
  };
}
