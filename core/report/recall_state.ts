/** recall_state.png: recall of each arm against the bytes of its memory. */
import { mean } from "../lists.ts";
import type { RecallResult } from "../record/mod.ts";
import { oneLine } from "./caption.ts";
import { drawLegend } from "./chart/legend.ts";
import { linePlot } from "./chart/lines.ts";
import { type Cell, drawSheet } from "./chart/sheet.ts";
import { short } from "./format.ts";
import { looks } from "./palette.ts";
import { carriedBytes, type Probe, recallByArm, taskInWords } from "./recall.ts";
import { type Spread, spreadOf } from "./summary.ts";

/** A seed solves the task when it answers this share of all questions. */
const SOLVED = 0.9;

/** Share of right answers over all distances. */
const overAll = ({ accuracies }: RecallResult): number => mean(accuracies.map(({ accuracy }) => accuracy));

/** The accuracy of an arm over its seeds, and how many of them solve the task. */
export interface Carried {
  readonly name: string;
  readonly bytes: number;
  readonly accuracy: Spread | undefined;
  readonly solved: number;
  readonly seeds: number;
  /** Of the seeds that reached 90 %, if accuracy was evaluated during training. */
  readonly stepsTo90: Spread | undefined;
}

export const carriedByArm = (probe: Probe): Carried[] =>
  recallByArm(probe).flatMap(({ name, results }): Carried[] => {
    const bytes = carriedBytes(probe.recall, name), accuracy = spreadOf(results.map(overAll));
    if (bytes === undefined) return [];
    const solved = results.filter((result) => overAll(result) >= SOLVED).length;
    const stepsTo90 = spreadOf(results.map((result) => result.stepsTo90 ?? undefined));
    return [{ name, bytes, accuracy, solved, seeds: results.length, stepsTo90 }];
  });

function cellOf(
  found: readonly Carried[],
  { title, subtitle, y, of }: Pick<Cell, "title" | "subtitle"> & {
    y: { title: string; min: number; max?: number };
    of(arm: Carried): Spread | undefined;
  },
): Cell {
  const look = looks(found.map(({ name }) => name));
  const lines = found.flatMap((arm) => {
    const spread = of(arm);
    return spread ? [{ points: [{ step: arm.bytes, spread }], look: look(arm.name), markers: true }] : [];
  });
  return {
    title,
    subtitle,
    plot: linePlot(lines, { x: { title: "bytes carried over a sequence", log: true, tick: short }, y }),
  };
}

/** Draws accuracy and, if it was evaluated during training, the steps to 90 %. Returns the bytes of a PNG. */
export function recallStateChart(probe: Probe): Promise<Uint8Array> {
  const found = carriedByArm(probe), look = looks(found.map(({ name }) => name));
  const names = found.map(({ name, solved, seeds }) => `${oneLine(name)}: ${solved} of ${seeds} seeds solve it`);
  const legend: Cell = {
    title: "Legend",
    paint: (brush, box) =>
      drawLegend(brush, box, {
        axis: { names, looks: found.map(({ name }) => look(name)) },
        keys: [],
        notes: [`A seed solves the task with ${100 * SOLVED} % right answers over all distances.`],
      }),
  };
  const accuracy = cellOf(found, {
    title: "Right answers, all distances",
    subtitle: "upper left is better",
    y: { title: "share of questions", min: 0, max: 1 },
    of: ({ accuracy }) => accuracy,
  });
  const steps = cellOf(found, {
    title: "Steps to 90 % right answers",
    subtitle: "of the seeds that get there; lower left is better",
    y: { title: "updates", min: 0 },
    of: ({ stepsTo90 }) => stepsTo90,
  });
  const watched = found.some(({ stepsTo90 }) => stepsTo90);
  return drawSheet({
    title: "Associative recall by what a model carries",
    subtitle: oneLine(taskInWords(probe.recall)),
    footer: probe.footer,
    columns: 2,
    cells: [accuracy, ...(watched ? [steps] : []), legend],
    cellHeight: Math.max(400, 120 + 30 * found.length),
  });
}
