/** Horizontal bars by arm, and points by arm. */
import { INK } from "../palette.ts";
import type { Look } from "../palette.ts";
import type { Spread } from "../summary.ts";
import {
  type Axis,
  type Plot,
  plotOf,
  type Reference,
  type Scale,
  scale,
  type ValueLabel,
  type Whisker,
} from "./plot.ts";

/** One measure over all arms. */
export interface Series {
  readonly values: readonly (Spread | undefined)[];
  /** Fill and border of each arm's mark. */
  readonly fill: (index: number) => string;
  readonly text?: (spread: Spread) => string;
  /** What stands where an arm has no value. */
  readonly missing?: string;
}

export interface ArmAxis {
  readonly names: readonly string[];
  readonly looks: readonly Look[];
}

/** An axis of names, one a bar. */
function categories(names: readonly string[]): Scale {
  const { ticks, ...shared } = scale({ tick: (index) => names[index] ?? "" }, { grid: false });
  return { ...shared, type: "category", ticks };
}

interface BarOptions {
  x: Axis;
  series: readonly Series[];
  references?: readonly Reference[];
  stacked?: boolean;
}

/** Horizontal bars from zero: one group an arm, one bar a series, with the value at the end of the bar. */
export function barPlot({ names, looks }: ArmAxis, { x, series, references, stacked = false }: BarOptions): Plot {
  const datasets = series.map(({ values, fill }) => ({
    data: values.map((spread) => spread?.mean ?? 0),
    backgroundColor: names.map((_, index) => fill(index)),
    borderColor: looks.map(({ colour }) => colour),
    borderWidth: 1,
    borderSkipped: "start" as const,
    maxBarThickness: 26,
    categoryPercentage: 0.74,
    barPercentage: 0.92,
  }));
  const whiskers = stacked ? [] : series.flatMap(whiskersOf);
  const labels = stacked ? stackLabels(series) : series.flatMap(labelsOf);
  return plotOf("bar", {
    labels: names,
    datasets,
    x: scale({ min: 0, ...x }),
    y: categories(names),
    marks: { whiskers, labels, references },
    stacked,
  });
}

const whiskersOf = ({ values }: Series, dataset: number): Whisker[] =>
  values.flatMap((spread, index) =>
    spread ? [{ dataset, index, low: spread.low, high: spread.high, colour: INK }] : []
  );

const labelsOf = ({ values, text, missing }: Series, dataset: number): ValueLabel[] =>
  values.flatMap((spread, index) => {
    if (!spread) return missing ? [{ dataset, index, text: missing, from: 0 }] : [];
    return text ? [{ dataset, index, text: text(spread), from: spread.high }] : [];
  });

/** The sum of a stack at its end, in the words of the last series. */
function stackLabels(series: readonly Series[]): ValueLabel[] {
  const last = series.length - 1, text = series[last]?.text;
  if (!text) return [];
  return series[0]!.values.flatMap((_, index) => {
    const known = series.map(({ values }) => values[index]).filter((spread) => spread !== undefined);
    if (known.length === 0) return [];
    const mean = known.reduce((sum, spread) => sum + spread.mean, 0);
    return [{ dataset: last, index, text: text({ ...known[0]!, mean }), from: mean }];
  });
}

/** One kind of point over all arms. */
export interface PointSeries {
  readonly values: readonly (Spread | undefined)[];
  /** Filled with the arm's colour, hollow, or a cross for a control. */
  readonly style: "filled" | "hollow" | "cross";
  readonly text?: (spread: Spread) => string;
}

/** How far below its row each series is drawn, so that equal values do not hide each other (rows). */
const DODGE = [0.15, -0.15, 0];

interface DotOptions {
  x: Axis;
  /** At most three; later ones lie on top. */
  series: readonly PointSeries[];
  references?: readonly Reference[];
  /** Join the points of an arm with a line from the first series to the second. */
  joined?: boolean;
  /** Series of an arm stand below each other; not where only one of them has a point. */
  dodged?: boolean;
}

/** Points on a shared axis, one row an arm: for measures whose zero means nothing, such as perplexity. */
export function dotPlot(
  { names, looks }: ArmAxis,
  { x, series, references, joined = false, dodged = true }: DotOptions,
): Plot {
  const below = (at: number) => dodged ? DODGE[at]! : 0;
  const points = series.map(({ values, style }, at) => ({
    data: values.map((spread, index) => ({ x: spread?.mean ?? NaN, y: index + below(at) })),
    order: series.length - at,
    pointStyle: style === "cross" ? "line" : looks.map(({ marker }) => marker),
    rotation: style === "cross" ? 90 : looks.map(({ rotation }) => rotation),
    pointRadius: style === "cross" ? 9 : 6.5,
    pointBackgroundColor: style === "filled" ? looks.map(({ colour }) => colour) : "#ffffff",
    pointBorderColor: style === "cross" ? INK : looks.map(({ colour }) => colour),
    pointBorderWidth: 2,
    showLine: false,
    clip: false as const,
  }));
  const [first, second] = series;
  const joins = joined && first && second
    ? names.map((_, index) => ({
      data: [first, second].map(({ values }, at) => ({ x: values[index]?.mean ?? NaN, y: index + below(at) })),
      showLine: true,
      pointRadius: 0,
      borderColor: looks[index]!.colour,
      borderWidth: 2,
      order: series.length + 1,
    }))
    : [];
  const whiskers = series.flatMap(({ values }, dataset) =>
    values.flatMap((spread, index) =>
      spread ? [{ dataset, index, low: spread.low, high: spread.high, colour: looks[index]!.colour }] : []
    )
  );
  const labels = series.flatMap(({ values, text }, dataset) =>
    values.flatMap((spread, index) => spread && text ? [{ dataset, index, text: text(spread), above: true }] : [])
  );
  return plotOf("scatter", {
    datasets: [...points, ...joins],
    x: scale(x),
    y: scale({ names }),
    marks: { whiskers, labels, references, whiskersBehind: true },
  });
}
