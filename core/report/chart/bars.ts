/** Plots with one row per arm: horizontal bars, and points. */
import { at } from "../../lists.ts";
import { INK, type Look } from "../palette.ts";
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

/** The bars of one measure, one bar per arm. */
export interface Series {
  readonly values: readonly (Spread | undefined)[];
  /** Fill and border of each arm's mark. */
  readonly fill: (index: number) => string;
  readonly text?: (spread: Spread) => string;
  /** The text in place of a bar if an arm has no value. */
  readonly missing?: string;
}

export interface ArmAxis {
  readonly names: readonly string[];
  readonly looks: readonly Look[];
}

/** An axis with one name per bar. */
function categories(names: readonly string[]): Scale {
  const { ticks, ...shared } = scale({ tick: (index) => names[index] ?? "" }, { grid: false });
  return { ...shared, type: "category", ticks };
}

interface BarOptions {
  x: Axis;
  series: readonly Series[];
  references?: readonly Reference[];
}

/** Horizontal bars that start at zero: one group per arm, one bar per series. The value is written after the bar. */
export function barPlot(
  { names, looks }: ArmAxis,
  { x, series, references }: BarOptions,
): Plot {
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
  const isEmpty = series.every(({ values }) => values.every((spread) => spread === undefined));
  return plotOf("bar", {
    labels: names,
    datasets,
    // Without any bar the axis has no numbers.
    x: scale(isEmpty ? { ...x, min: 0, max: 1, tick: () => "" } : { min: 0, ...x }),
    y: categories(names),
    marks: { whiskers: series.flatMap(whiskersOf), labels: series.flatMap(labelsOf), references },
  });
}

const whiskersOf = ({ values }: Pick<Series, "values">, dataset: number): Whisker[] =>
  values.flatMap((spread, index) =>
    spread ? [{ dataset, index, low: spread.low, high: spread.high, colour: INK }] : []
  );

const labelsOf = ({ values, text, missing }: Series, dataset: number): ValueLabel[] =>
  values.flatMap((spread, index) => {
    if (!spread) return missing ? [{ dataset, index, text: missing, from: 0 }] : [];
    return text ? [{ dataset, index, text: text(spread), from: spread.high }] : [];
  });

/** The points of one measure, one point per arm. */
export interface PointSeries {
  readonly values: readonly (Spread | undefined)[];
  /** Filled with the arm's colour, hollow, or a cross for a control. */
  readonly style: "filled" | "hollow" | "cross";
  readonly text?: (spread: Spread) => string;
}

/** Distance of each series below the middle of its row, so that equal values do not hide each other (rows). */
const DODGE = [0.15, -0.15, 0];

interface DotOptions {
  x: Axis;
  /** At most three. Later series are drawn over earlier ones. */
  series: readonly PointSeries[];
  references?: readonly Reference[];
  /** Join the points of an arm with a line from the first series to the second. */
  joined?: boolean;
  /** The series of an arm are drawn at different heights. Set it to false where an arm has one point only. */
  dodged?: boolean;
}

/** The Chart.js dataset of one series of points, whose row lies `below` the middle. */
function pointsOf(
  { values, style }: PointSeries,
  looks: readonly Look[],
  { below, order }: { below: number; order: number },
) {
  const cross = style === "cross", colours = looks.map(({ colour }) => colour);
  return {
    data: values.map((spread, index) => ({ x: spread?.mean ?? NaN, y: index + below })),
    order,
    pointStyle: cross ? "line" : looks.map(({ marker }) => marker),
    rotation: cross ? 90 : looks.map(({ rotation }) => rotation),
    pointRadius: cross ? 9 : 6.5,
    pointBackgroundColor: style === "filled" ? colours : "#ffffff",
    pointBorderColor: cross ? INK : colours,
    pointBorderWidth: 2,
    showLine: false,
    clip: false as const,
  };
}

/** Points on a shared axis, one row per arm. For measures that have no natural zero, such as perplexity. */
export function dotPlot(
  { names, looks }: ArmAxis,
  { x, series, references, joined = false, dodged = true }: DotOptions,
): Plot {
  const below = series.map((_, i) => dodged ? at(DODGE, i) : 0);
  const points = series.map((each, i) => pointsOf(each, looks, { below: at(below, i), order: series.length - i }));
  const joins = joined
    ? looks.map(({ colour }, index) => ({
      data: points.slice(0, 2).map(({ data }) => at(data, index)),
      showLine: true,
      pointRadius: 0,
      borderColor: colour,
      borderWidth: 2,
      order: series.length + 1,
    }))
    : [];
  const whiskers = series.flatMap((each, dataset) =>
    whiskersOf(each, dataset).map((whisker) => ({ ...whisker, colour: at(looks, whisker.index).colour }))
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
