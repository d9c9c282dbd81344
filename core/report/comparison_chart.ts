/** comparisons.png: differences of the final loss with their intervals, and the effects of the factors of a factorial suite. */
import type { Run } from "../record/mod.ts";
import { HymbaError } from "../errors.ts";
import { armAxis } from "./ablation_chart.ts";
import { at } from "../lists.ts";
import { AFTER, footerOf, oneLine, seedsOf } from "./caption.ts";
import { type ArmAxis, dotPlot, type PointSeries } from "./chart/bars.ts";
import { drawLegend, type Legend } from "./chart/legend.ts";
import { type Cell, drawSheet } from "./chart/sheet.ts";
import { fixed, short } from "./format.ts";
import { INK } from "./palette.ts";
import {
  comparedPart,
  type Difference,
  factorEffects,
  intervalsRestOn,
  lastStageOf,
  marginNote,
  marginOf,
  meanTokenLoss,
  standingOf,
  tokenDifference,
} from "./statistics.ts";
import { type ArmSummary, type Spread, summaries } from "./summary.ts";

const spreadOf = ({ mean, interval, pairs }: Difference): Spread => {
  const [low, high] = interval ?? [mean, mean];
  return { mean, low, high, deviation: undefined, count: pairs };
};

/** The mark of a difference: filled if the interval excludes zero, a cross if it is within the margin, else hollow. */
function styleOf(difference: Difference, margin: number): PointSeries["style"] {
  const standing = standingOf(difference, margin);
  return standing === "undecided" ? "hollow" : standing === "equal" ? "cross" : "filled";
}

/** A plot with one row per difference, and lines at zero and at the margin. */
export function differencePlot(
  axis: ArmAxis,
  differences: readonly Difference[],
  { title, margin }: { title: string; margin: number },
) {
  const points = (style: PointSeries["style"]): PointSeries => ({
    values: differences.map((one) => styleOf(one, margin) === style ? spreadOf(one) : undefined),
    style,
    text: ({ mean }) => fixed(mean, 3),
  });
  const ends = [0, ...differences.flatMap(({ interval }) => interval ?? [])];
  const low = Math.min(-margin, ...ends), high = Math.max(margin, ...ends), room = 0.08 * (high - low || 1);
  return dotPlot(axis, {
    x: { title, min: low - room, max: high + room },
    series: [points("filled"), points("hollow"), points("cross")],
    references: [
      { axis: "x", value: 0, label: "no difference" },
      ...[-margin, margin].map((value) => ({
        axis: "x" as const,
        value,
      })),
    ],
    dodged: false,
  });
}

/** The difference of every arm from the arm with the lowest loss. */
function armCell(run: Run): Cell | undefined {
  const stage = lastStageOf(run), arms = summaries(run);
  const lossOf = ({ name }: ArmSummary) => meanTokenLoss(run, { arm: name, stage }) ?? Infinity;
  const best = arms.toSorted((a, b) => lossOf(a) - lossOf(b))[0];
  if (!best) return undefined;
  // The looks depend on all arms, so that an arm has one colour in every figure.
  const { names, looks } = armAxis(arms);
  const rows = arms.flatMap((arm, i) => {
    const difference = arm === best ? undefined : tokenDifference(run, [arm.name, best.name]);
    return difference ? [{ difference, name: at(names, i), look: at(looks, i) }] : [];
  });
  if (rows.length === 0) return undefined;
  const axis = { names: rows.map(({ name }) => name), looks: rows.map(({ look }) => look) };
  return {
    title: `Loss minus that of ${oneLine(best.name)}`,
    subtitle: `${AFTER[stage]}; all models had the same batches and ${comparedPart(run)} tokens`,
    plot: differencePlot(axis, rows.map(({ difference }) => difference), {
      title: "nats per token",
      margin: marginOf(run),
    }),
  };
}

/** The effect of each factor; undefined if the suite has no factors. */
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
    plot: differencePlot(axis, rows.map(({ difference }) => difference), {
      title: "nats per token",
      margin: marginOf(run),
    }),
  };
}

/** Says by how much the models differ in size. Empty below 2 %. */
function sizeNote(run: Run): string[] {
  const counts = run.results.map(({ parameters }) => parameters),
    least = Math.min(...counts),
    most = Math.max(...counts);
  if (most <= 1.02 * least) return [];
  return [
    `The models differ in size: ${short(least)} to ${short(most)} parameters. --match parameters makes them equal.`,
  ];
}

/** Whether the run has two models to compare. */
export const hasComparisons = (run: Run): boolean => armCell(run) !== undefined;

/** Draws the differences with 95 % intervals. Returns a PNG. Throws a HymbaError when the run has none. */
export function comparisonChart(run: Run): Promise<Uint8Array> {
  const cells = [armCell(run), factorCell(run)].filter((cell) => cell !== undefined);
  if (cells.length === 0) {
    throw new HymbaError("the run has no two models to compare", {
      expected: "two models that finished a stage, with their losses on the validation tokens",
    });
  }
  const noise = seedsOf(run).most === 1 ? "the noise of the text" : "noise";
  const legend: Legend = {
    axis: { names: [], looks: [] },
    keys: [
      { sample: "filled", text: `a difference beyond ${noise}` },
      { sample: "hollow", text: "undecided" },
      { sample: "tick", text: "equal within the margin" },
      { sample: "line", text: "95 % interval" },
      { sample: "dashed", text: "zero, and the margin on both sides" },
    ],
    notes: [intervalsRestOn(run), marginNote(run), ...sizeNote(run)],
  };
  const beside: Cell = { title: "Legend", paint: (brush, box) => drawLegend(brush, box, legend) };
  return drawSheet({
    title: `Differences in ${comparedPart(run)} loss`,
    subtitle: "mean paired difference and its 95 % interval; lower is better",
    footer: footerOf(run),
    columns: 2,
    // A legend beside the plot has up to thirteen lines of notes.
    cellHeight: Math.max(410, 110 + 50 * summaries(run).length),
    ...(cells.length > 1 ? { cells, below: legend } : { cells: [...cells, beside], legendWidth: 310 }),
  });
}
