/** Estimates the cost of a study and its cells, and records how good earlier estimates were on this machine. */
import type { OpenBackend } from "../../core/backend/mod.ts";
import type { StudyConfig } from "../../core/config/mod.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { HymbaError } from "../../core/errors.ts";
import { type CellCost, cellCosts } from "../../core/study/cell_costs.ts";
import type { TextSizes } from "../../core/data/corpus.ts";
import { flopsIn, heldOutTokens, studyFlops, studyRate } from "../../core/study/estimate.ts";
import {
  besidePlans,
  corrected,
  type Estimated,
  keepScore,
  readScore,
  type TimeEstimate,
} from "../../core/study/estimate_score.ts";
import { bytes, duration } from "../ui/progress.ts";
import { table } from "../ui/table.ts";
import { onSoftware } from "./study_sources.ts";

/** Time, memory and disk of a cell or a study. */
export interface Need extends TimeEstimate {
  /** Seconds without the correction by earlier estimates. */
  readonly counted: number;
  /** Bytes of the process: the plans and the program itself. */
  readonly memory: number;
  /** Bytes of the plans alone. */
  readonly plans: number;
  /** Most bytes on disk. */
  readonly disk: number;
}

export interface CellNeed extends Need {
  readonly cost: CellCost;
}

export interface StudyNeed {
  readonly flops: number;
  /** The study in one process. */
  readonly whole: Need;
  readonly cells: readonly CellNeed[];
  /** The work after all cells: evaluation on the test part. Absent if there is none. */
  readonly end?: Need;
  /** The cells and the end one after another. */
  readonly sum: Need;
}

type Place = Pick<OpenBackend, "executor" | "backend" | "adapter" | "hardware">;

type Say = (line: string) => void;

/**
 * The record only improves later estimates. If its file cannot be read or written, the user is told and the study continues.
 */
async function orDefault<T>(otherwise: T, say: Say, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof HymbaError)) throw error;
    say(`warning: the score of estimates is left out, and the study continues: ${error.message}`);
    return otherwise;
  }
}

/** Estimates a study that is fitted to its text. Measures the machine for half a second. */
export async function estimateStudy(
  study: StudyConfig,
  { opened, sizes, say }: { opened: Place; sizes: TextSizes; say: Say },
): Promise<StudyNeed> {
  const entries = await orDefault([], say, () => readScore(systemDisk, opened)),
    rate = await studyRate(opened.executor, study, { software: onSoftware(opened) });
  const beside = besidePlans(entries), costs = cellCosts(opened.executor, study, sizes);
  const needOf = async (what: Estimated, flops: number, { memory, disk }: Pick<CellCost, "memory" | "disk">) => {
    const counted = flops / rate;
    return { ...await corrected(counted, { entries, what }), counted, plans: memory, memory: memory + beside, disk };
  };
  const cells: CellNeed[] = [];
  for (const cost of costs) cells.push({ cost, ...await needOf("cell", cost.flops, cost) });
  const held = heldOutTokens(study, sizes);
  // A sweep never reads the test part.
  const flops = flopsIn(studyFlops(study, study.choosing ? { ...held, testTokens: 0 } : held));
  const memory = Math.max(...costs.map(({ memory }) => memory)), disk = costs.reduce((sum, { disk }) => sum + disk, 0);
  const rest = flops - costs.reduce((sum, { flops }) => sum + flops, 0);
  const end = rest > 1e-9 * flops ? await needOf("cell", rest, { memory, disk: 0 }) : undefined;
  const whole = await needOf("study", flops, { memory, disk }), rows = [...cells, ...(end ? [end] : [])];
  return { flops, whole, cells, ...(end && { end }), sum: sumOf(rows, whole) };
}

/**
 * The sum of rows that run one after another. The errors of their times are correlated, because one machine runs all of them,
 * so the ends of the intervals are added. Memory and disk are those of the whole.
 */
function sumOf(rows: readonly Need[], whole: Need): Need {
  const total = (of: (need: Need) => number) => rows.reduce((sum, need) => sum + of(need), 0);
  const isKnown = rows.every(({ interval }) => interval !== undefined);
  const edge = (i: 0 | 1) => total(({ interval }) => interval?.[i] ?? 0);
  return {
    ...whole,
    seconds: total(({ seconds }) => seconds),
    counted: total(({ counted }) => counted),
    from: Math.min(...rows.map(({ from }) => from)),
    interval: isKnown ? [edge(0), edge(1)] : undefined,
  };
}

/** A time with its interval: `14 s (10 s to 20 s)`. */
export const timeInWords = ({ seconds, interval }: TimeEstimate): string =>
  interval ? `${duration(seconds)} (${duration(interval[0])} to ${duration(interval[1])})` : duration(seconds);

/** The basis of an interval. */
export function restsOn({ from, interval, correction }: TimeEstimate): string {
  if (interval) {
    return `nine of ten times are in the interval, if the machine is as in the last ${from} runs of this size`;
  }
  if (!correction) return "no interval yet: no whole study was compared on this machine and backend";
  const there = from === 0 ? "is none" : from === 1 ? "is one" : `are ${from}`;
  return `no interval yet: it needs three runs of about this size on this machine and backend, and there ${there}`;
}

/** How a counted time was corrected, in words; undefined if nothing was compared. */
function correctionInWords({ correction, counted }: Need): string | undefined {
  if (!correction) return undefined;
  const { factor, runs, least, most } = correction, times = (value: number) => value.toPrecision(2);
  const range = runs === 1 ? "" : ` (${times(least)} to ${times(most)})`;
  return `${duration(counted)} were counted; earlier runs here took ${times(factor)} times as long, ` +
    `the median of ${runs}${range}`;
}

/** Number of threads, if the backend has threads. */
const threadsOf = ({ adapter }: Pick<OpenBackend, "adapter">): number | undefined =>
  typeof adapter.threads === "number" ? adapter.threads : undefined;

/** A table of all cells, with their sum in its last row. */
export function needTable({ sum, end, cells }: StudyNeed, opened: Pick<OpenBackend, "adapter">): string {
  const threads = threadsOf(opened);
  const hours = ({ seconds }: Need) => threads === undefined ? "" : (seconds * threads / 3600).toPrecision(2);
  const row = (
    names: string[],
    need: Need,
  ) => [...names, timeInWords(need), hours(need), bytes(need.memory), bytes(need.disk)];
  return table([
    ["cell", "model", "seed", "time", "core hours", "memory", "disk at most"],
    ...cells.map((need) => {
      const { index, arm, seed } = need.cost.cell;
      return row([String(index), arm.name, String(seed)], need);
    }),
    ...(end ? [row(["end", "test part", ""], end)] : []),
    row(["all", "", ""], sum),
  ]);
}

/** The notes below the table: the time of one process, the basis of the times, and how shorter trainings are counted. */
export function needNotes({ whole, cells }: StudyNeed): string {
  const correction = correctionInWords(whole);
  const lines = [`in one process: ${timeInWords(whole)}; ${restsOn(whole)}`, ...(correction ? [correction] : [])];
  if (cells.some(({ cost: { cell } }) => cell.arm.trunk !== undefined)) {
    lines.push(
      "shorter trainings are counted from their branch step; a cell that runs alone trains from the start",
    );
  }
  return lines.join("\n");
}

const needJson = ({ seconds, interval, from, memory, disk }: Need, threads: number | undefined) => ({
  seconds,
  ...(interval && { interval_s: interval }),
  compared_estimates: from,
  ...(threads !== undefined && { core_hours: seconds * threads / 3600 }),
  memory_bytes: memory,
  disk_bytes: disk,
});

/** The same for programs. */
export function needOfStudyJson({ flops, whole, sum, end, cells }: StudyNeed, opened: Pick<OpenBackend, "adapter">) {
  const threads = threadsOf(opened);
  return {
    flops,
    cells: cells.map((need) => {
      const { index, arm, seed } = need.cost.cell;
      return { index, arm: arm.name, seed, ...needJson(need, threads) };
    }),
    ...(end && { end: needJson(end, threads) }),
    sum: needJson(sum, threads),
    whole: needJson(whole, threads),
  };
}

/** Records an estimate with the actual values. `begun`: from performance.now(). */
export async function scoreEstimate(
  what: Estimated,
  need: Need,
  { begun, opened, say }: { begun: number; opened: Pick<OpenBackend, "backend" | "adapter">; say: Say },
): Promise<void> {
  const entry = {
    what,
    predicted_s: need.counted,
    actual_s: (performance.now() - begun) / 1000,
    predicted_bytes: need.plans,
    actual_bytes: Deno.memoryUsage().rss,
  };
  await orDefault(undefined, say, () => keepScore(systemDisk, opened, { entry }));
}
