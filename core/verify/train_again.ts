/** Trains cells of a study again, to compare them with what a run or a published result says. */
import type { Corpus } from "../data/corpus.ts";
import { type Disk, removeTree } from "../disk/mod.ts";
import { UsageError } from "../errors.ts";
import type { Executor } from "../plan/mod.ts";
import { FILES, type Run, type RunRecord } from "../record/mod.ts";
import type { StudyOptions } from "../study/arm_run.ts";
import type { Cell } from "../study/cells.ts";
import { runStudy } from "../study/study.ts";
import type { Finding } from "./checksums.ts";

export interface Training {
  readonly executor: Executor;
  readonly corpus: Corpus;
  readonly record: RunRecord;
  readonly cells: readonly Cell[];
  /** A folder for the trainings. A call that was stopped is continued by the next one with the same cells. */
  readonly scratch: string;
  /** The last stage that is trained, where that is not the study's: `hymba pretrain` stops after the first. */
  readonly lastStage?: StudyOptions["lastStage"];
  readonly givenTokenizer?: StudyOptions["givenTokenizer"];
  readonly signal?: AbortSignal;
  readonly onEvent?: StudyOptions["onEvent"];
}

/** Trains the cells in `scratch`, compares them, and removes `scratch`. Throws a UsageError when `scratch` holds anything else. */
export async function trainAgain<T>(
  disk: Disk,
  { record, cells, scratch, ...options }: Training,
  compare: (again: Run) => Promise<T>,
): Promise<T> {
  const { study, versions, backend, adapter, tiles, command } = record,
    environment = { versions, backend, adapter, ...(tiles && { tiles }), command };
  const remove = async () => {
    if (await disk.stat(scratch)) await removeTree(disk, scratch);
  };
  const again = await runStudy(study, { ...options, disk, folder: scratch, environment, cells }).catch(
    async (error) => {
      // A UsageError refuses the folder because it belongs to somebody else.
      if (!(error instanceof UsageError)) await remove();
      throw error;
    },
  );
  try {
    return await compare(again);
  } finally {
    await remove();
  }
}

/** Lines of the metrics log of some cells, without what the clock measured. */
export const metricsOf = ({ metrics }: Run, cells: readonly Cell[]): string[] =>
  metrics
    .filter(({ arm, seed }) => cells.some((cell) => cell.arm.name === arm && cell.seed === seed))
    .map((line) => JSON.stringify(line, (key, value) => key === "tokens_per_s" ? undefined : value));

/** Compares lines of two logs. */
export function compareMetrics(first: readonly string[], second: readonly string[]): Finding {
  const at = first.findIndex((line, i) => line !== second[i]), ok = at < 0 && first.length === second.length;
  const detail = ok
    ? `${first.length} lines equal but for speeds`
    : `line ${at < 0 ? second.length + 1 : at + 1} differs`;
  return { what: `${FILES.metrics}, trained again`, ok, detail };
}
