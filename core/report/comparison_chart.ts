/** comparisons.png: differences of the final loss with their intervals, and what each factor of a factorial does. */
import type { Run } from "../record/mod.ts";
import { HymbaError } from "../errors.ts";
import { armAxis } from "./ablation_chart.ts";
import { footerOf, line, seedsOf } from "./caption.ts";
import { type ArmAxis, dotPlot, type PointSeries } from "./chart/bars.ts";
import { drawLegend } from "./chart/legend.ts";
import { type Cell, drawSheet } from "./chart/sheet.ts";
import { fixed } from "./format.ts";
import { INK } from "./palette.ts";
import {
  type Difference,
  factorEffects,
  intervalsRestOn,
  isClear,
  lastStageOf,
  meanTokenLoss,
  tokenDifference,
} from "./statistics.ts";
import { type ArmSummary, type Spread, summaries } from "./summary.ts";

/** A row of the figure: a difference that has an interval. */
interface Row {
  readonly difference: Difference;
}

const spreadOf = ({ mean, interval, pairs }: Difference): Spread => {
  const [low, high] = interval ?? [mean, mean];
  return { mean, low, high, deviation: undefined, count: pairs };
};

/** Filled where the interval leaves out zero, hollow where it does not. */
function plotOf(axis: ArmAxis, rows: readonly Row[], title: string) {
  const points = (clear: boolean, style: PointSeries["style"]): PointSeries => ({
    values: rows.map(({ difference }) => isClear(difference) === clear ? spreadOf(difference) : undefined),
    style,
    text: ({ mean }) => fixed(mean, 3),
  });
  const ends = [0, ...rows.flatMap(({ difference }) => difference.interval ?? [])];
  const low = Math.min(...ends), high = Math.max(...ends), air = 0.08 * (high - low || 1);
  return dotPlot(axis, {
    x: { title, min: low - air, max: high + air },
    series: [points(true, "filled"), points(false, "hollow")],
    references: [{ axis: "x", value: 0, label: "no difference" }],
    dodged: false,
  });
}

/** Every arm against the one with the lowest loss. */
function armCell(run: Run): Cell | undefined {
  const stage = lastStageOf(run), arms = summaries(run);
  const lossOf = ({ name }: ArmSummary) => meanTokenLoss(run, { arm: name, stage }) ?? Infinity;
  const best = arms.toSorted((a, b) => lossOf(a) - lossOf(b))[0];
  if (!best) return undefined;
  const rows = arms.flatMap((arm) => {
    const difference = arm === best ? undefined : tokenDifference(run, [arm.name, best.name]);
    return difference ? [{ arm, difference }] : [];
  });
  if (rows.length === 0) return undefined;
  const all = armAxis(arms), at = rows.map(({ arm }) => arms.indexOf(arm));
  const axis = { names: at.map((i) => all.names[i]!), looks: at.map((i) => all.looks[i]!) };
  return {
    title: `Loss above that of ${line(best.name)}`,
    subtitle: `after ${
      stage === "orpo" ? "ORPO" : "pretraining"
    }, on the same validation tokens after the same batches`,
    plot: plotOf(axis, rows, "nats per token"),
  };
}

/** What switching each factor on does, where the study is a factorial. */
function factorCell(run: Run): Cell | undefined {
  const rows = factorEffects(run);
  if (rows.length === 0) return undefined;
  const axis: ArmAxis = {
    names: rows.map(({ words }) => words),
    looks: rows.map(() => ({ colour: INK, marker: "circle", rotation: 0 })),
  };
  return {
    title: "What each factor does to the loss",
    subtitle: "switched on against off, averaged over the other two; below zero: better",
    plot: plotOf(axis, rows, "nats per token"),
  };
}

/** Whether there is anything to draw. */
export const hasComparisons = (run: Run): boolean => armCell(run) !== undefined;

/** Draws the differences with 95 % intervals. Returns the bytes of a PNG. Throws a HymbaError when the run has none. */
export function comparisonChart(run: Run): Promise<Uint8Array> {
  const cells = [armCell(run), factorCell(run)].filter((cell) => cell !== undefined);
  if (cells.length === 0) {
    throw new HymbaError("the run has no two models to compare", {
      expected: "two that finished a stage, with the losses of their validation tokens",
    });
  }
  const noise = seedsOf(run).most === 1 ? "the noise of the text" : "noise";
  const legend: Cell = {
    title: "Legend",
    paint: (brush, box) =>
      drawLegend(brush, box, {
        axis: { names: [], looks: [] },
        keys: [
          { sample: "filled", text: `a difference beyond ${noise}` },
          { sample: "hollow", text: `no difference beyond ${noise}` },
          { sample: "line", text: "95 % interval" },
        ],
        notes: [intervalsRestOn(run)],
      }),
  };
  return drawSheet({
    title: "Differences with their intervals",
    subtitle: "mean of the paired differences of validation loss; lower is better",
    footer: footerOf(run),
    columns: cells.length + 1,
    cells: [...cells, legend],
    cell: { width: 480, height: 110 + 50 * Math.max(4, summaries(run).length) },
    legendWidth: 290,
  });
}
