/** The parts that all plots share: a Chart.js configuration without animation, in the fonts and greys of the report. */
import type { Chart, ChartConfiguration, ChartDataset, Plugin, Scale as ChartScale } from "chart.js";
import { at, present } from "../../lists.ts";
import { tickText } from "../format.ts";
import { FAINT, GRID, INK, PAPER } from "../palette.ts";
import { type Brush, DENSITY, FONT, font, segment, SMALLEST, write } from "./canvas.ts";

/** A plot, ready for Chart.js. */
export type Plot = ChartConfiguration;

/** A dashed line across the plot. It has a label unless the legend explains it. */
export interface Reference {
  readonly axis: "x" | "y";
  readonly value: number;
  /** Beside the plot each word is on its own line. */
  readonly label?: string;
}

/** The name of a curve, at the value where the curve ends. Each word is on its own line. */
export interface EndName {
  readonly value: number;
  readonly text: string;
}

/** A line between the smallest and the largest seed. */
export interface Whisker {
  /** The point that it belongs to. */
  readonly dataset: number;
  readonly index: number;
  readonly low: number;
  readonly high: number;
  readonly colour: string;
}

/** A text after a bar, on a white background, or above a point. */
export interface ValueLabel {
  readonly dataset: number;
  readonly index: number;
  readonly text: string;
  /** The value at which the text begins. Without it, the text begins at the element's own value. */
  readonly from?: number;
  readonly above?: boolean;
}

export interface Marks {
  readonly references?: readonly Reference[];
  readonly ends?: readonly EndName[];
  readonly whiskers?: readonly Whisker[];
  readonly labels?: readonly ValueLabel[];
  /** Whiskers are drawn before the data, so that points cover them. */
  readonly whiskersBehind?: boolean;
}

export interface Axis {
  readonly title?: string;
  readonly log?: boolean;
  readonly min?: number;
  readonly max?: number;
  /** Names instead of numbers, at 0, 1, 2 and so on. */
  readonly names?: readonly string[];
  /** The axis covers at least this range. */
  readonly suggestedMin?: number;
  readonly suggestedMax?: number;
  readonly tick?: (value: number) => string;
  /** Ticks at whole numbers only. */
  readonly whole?: boolean;
}

/** Chart.js options of an axis, as {@link scale} makes them. */
export type Scale = Readonly<Record<string, unknown>>;

const BARE = { size: SMALLEST, family: FONT };

/** Round numbers with four to eight steps between the two ends. */
function evenTicks(low: number, high: number): number[] {
  const rough = (high - low) / 4, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * (rough / power >= 5 ? 5 : rough / power >= 2 ? 2 : 1), first = Math.ceil(low / step);
  return Array.from(
    { length: Math.floor(high / step) - first + 1 },
    (_, i) => Number(((first + i) * step).toPrecision(12)),
  );
}

/**
 * The ticks of a logarithmic axis: powers of ten times 1, 2 and 5. A short range has more ticks. `apart`: whether there is room
 * for the names of two ticks beside each other.
 */
export function logTicks(low: number, high: number, apart: (left: number, right: number) => boolean): number[] {
  if (high / low < 3) return withRoom(evenTicks(low, high), apart);
  const ticks: number[] = [], factors = high / low < 20 ? [1, 1.5, 2, 3, 4, 5, 6, 8] : [1, 2, 5];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const factor of factors) ticks.push(factor * 10 ** power);
  }
  return withRoom(ticks.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001), apart);
}

/** The ticks without those whose names would touch the name before them. */
function withRoom(ticks: readonly number[], apart: (left: number, right: number) => boolean): number[] {
  const kept: number[] = [];
  for (const tick of ticks) if (kept.length === 0 || apart(kept.at(-1) ?? tick, tick)) kept.push(tick);
  return kept;
}

/** The ticks of an axis with a name for each row. */
const namesScale = (names: readonly string[], ticks: Record<string, unknown>) => ({
  type: "linear" as const,
  min: -0.65,
  max: names.length - 0.5,
  reverse: true,
  ticks: { ...ticks, stepSize: 1, autoSkip: false, callback: (value: unknown) => names[Number(value)] ?? "" },
  afterBuildTicks: (axis: ChartScale) => {
    axis.ticks = names.map((_, value) => ({ value }));
  },
});

/** Pixels beside a plot that its own axis does not have: numbers, names and titles. */
const BESIDE = 110;

/** Whether the names of two ticks have room on a logarithmic axis, which is not yet laid out. */
function roomOn(axis: ChartScale, tick: (value: number) => string): (left: number, right: number) => boolean {
  const brush = axis.ctx as unknown as Brush, { chart, min, max } = axis, flat = axis.isHorizontal();
  const length = (flat ? chart.width : chart.height) - BESIDE;
  brush.font = font(SMALLEST);
  const sizeOf = (value: number) => flat ? brush.measureText(tick(value)).width + 12 : 1.5 * SMALLEST;
  return (left, right) => length * Math.log(right / left) / Math.log(max / min) >= (sizeOf(left) + sizeOf(right)) / 2;
}

/** Chart.js options of an axis. */
export function scale(
  { title, log = false, names, tick = tickText, whole = false, ...limits }: Axis,
  { grid = true } = {},
): Scale {
  const shared = {
    ...limits,
    title: { display: title !== undefined, text: title, color: FAINT, font: BARE },
    grid: { display: grid, color: GRID, tickColor: GRID },
    border: { color: FAINT },
  };
  const ticks = { color: INK, font: BARE, maxRotation: 0, autoSkipPadding: 12 };
  if (names) return { ...shared, ...namesScale(names, ticks) };
  const numbers = {
    ...ticks,
    includeBounds: false,
    precision: whole ? 0 : undefined,
    callback: (value: unknown) => tick(Number(value)),
  };
  if (!log) return { ...shared, type: "linear", ticks: numbers };
  return {
    ...shared,
    type: "logarithmic",
    ticks: numbers,
    afterBuildTicks: (axis: ChartScale) => {
      axis.ticks = logTicks(axis.min, axis.max, roomOn(axis, tick)).map((value) => ({ value }));
    },
  };
}

/** The pixel of a value on an axis. */
const pixelOf = (chart: Chart, axis: "x" | "y", value: number): number =>
  present(chart.scales[axis], `axis ${axis}`).getPixelForValue(value);

/** The pixel of a value on its axis; undefined outside of the plot. */
function placeOf(chart: Chart, { axis, value }: Pick<Reference, "axis" | "value">): number | undefined {
  const { left, right, top, bottom } = chart.chartArea, pixel = pixelOf(chart, axis, value);
  const inside = axis === "x" ? pixel >= left && pixel <= right : pixel >= top && pixel <= bottom;
  return inside ? pixel : undefined;
}

function drawReferenceLine(chart: Chart, reference: Reference): void {
  const brush = chart.ctx as unknown as Brush, area = chart.chartArea, place = placeOf(chart, reference);
  if (place === undefined) return;
  brush.save();
  brush.setLineDash([5, 4]);
  brush.strokeStyle = FAINT;
  brush.lineWidth = 1.25;
  brush.beginPath();
  if (reference.axis === "x") segment(brush, [place, area.top], [place, area.bottom]);
  else segment(brush, [area.left, place], [area.right, place]);
  brush.stroke();
  brush.restore();
}

/** Draws the label of a vertical line above the plot. Neighbouring labels alternate between two levels. */
function drawNameAbove(chart: Chart, reference: Reference, { level }: { level: number }): void {
  const brush = chart.ctx as unknown as Brush, area = chart.chartArea, place = placeOf(chart, reference);
  const { label } = reference, style = { size: NAME_SIZE, colour: FAINT, halo: true };
  if (place === undefined || label === undefined) return;
  brush.font = font(style.size);
  const half = brush.measureText(label).width / 2;
  const x = Math.min(Math.max(place, area.left + half), chart.width - half - 2);
  write(brush, label, { ...style, x, y: area.top - 9 - NAME_LINE * level, align: "center" });
}

const NAME_SIZE = SMALLEST, NAME_LINE = 15, NAME_GAP = 8;

/**
 * Moves blocks of text so that none overlaps another: first down, below the block before it, then up, until all of them end
 * above `bottom`. Takes the blocks from top to bottom, `y` being the middle of a block; returns the new middles.
 */
export function withoutOverlap(blocks: readonly { y: number; height: number }[], bottom: number): number[] {
  let top = -Infinity;
  const lowered = blocks.map(({ y, height }) => {
    const middle = Math.max(y, top + height / 2);
    top = middle + height / 2;
    return { middle, height };
  });
  let limit = bottom;
  return lowered.toReversed().map(({ middle, height }) => {
    const raised = Math.min(middle, limit - height / 2);
    limit = raised - height / 2;
    return raised;
  }).toReversed();
}

/** Draws the names of horizontal lines and of curves to the right of the plot. */
function drawNamesBeside(chart: Chart, { references = [], ends = [] }: Marks): void {
  const brush = chart.ctx as unknown as Brush, { right, bottom } = chart.chartArea;
  const lines = references.flatMap(({ axis, value, label }) =>
    axis === "y" && label !== undefined ? [{ axis, value, text: label, colour: FAINT }] : []
  );
  const names = [...lines, ...ends.map((end) => ({ ...end, axis: "y" as const, colour: INK }))].flatMap((name) => {
    const y = placeOf(chart, name), words = name.text.split(" ");
    return y === undefined ? [] : [{ ...name, y, words, height: NAME_LINE * words.length }];
  }).toSorted((a, b) => a.y - b.y);
  const middles = withoutOverlap(names, bottom + NAME_LINE / 2);
  for (const [i, { words, colour }] of names.entries()) {
    for (const [line, word] of words.entries()) {
      const y = at(middles, i) + NAME_LINE * (line - (words.length - 1) / 2);
      write(brush, word, { x: right + NAME_GAP, y, size: NAME_SIZE, colour });
    }
  }
}

/** Width of the names beside a plot (logical pixels). */
function roomBeside(brush: Brush, { references = [], ends = [] }: Marks): number {
  const texts = [
    ...references.flatMap(({ axis, label }) => axis === "y" && label ? [label] : []),
    ...ends.map(({ text }) => text),
  ];
  brush.save();
  brush.font = font(NAME_SIZE);
  const widths = texts.flatMap((text) => text.split(" ")).map((word) => brush.measureText(word).width);
  brush.restore();
  return widths.length === 0 ? 8 : NAME_GAP + Math.ceil(Math.max(...widths)) + 2;
}

function drawWhisker(chart: Chart, { dataset, index, low, high, colour }: Whisker): void {
  const brush = chart.ctx as unknown as Brush, element = chart.getDatasetMeta(dataset).data[index];
  if (!element || low === high) return;
  const from = pixelOf(chart, "x", low), to = pixelOf(chart, "x", high), y = element.y, cap = 4;
  brush.save();
  brush.beginPath();
  segment(brush, [from, y], [to, y]);
  for (const x of [from, to]) segment(brush, [x, y - cap], [x, y + cap]);
  // The light edge makes the whisker visible on a dark bar.
  for (const [width, style] of [[3.5, PAPER], [1.5, colour]] as const) {
    brush.lineWidth = width;
    brush.strokeStyle = style;
    brush.stroke();
  }
  brush.restore();
}

function drawLabel(chart: Chart, { dataset, index, text, from, above }: ValueLabel): void {
  const brush = chart.ctx as unknown as Brush, element = chart.getDatasetMeta(dataset).data[index];
  if (!element) return;
  const x = from === undefined ? element.x : pixelOf(chart, "x", from);
  const style = { size: NAME_SIZE, colour: INK, halo: true };
  if (above) return write(brush, text, { ...style, x, y: element.y - 15, align: "center" });
  brush.font = font(style.size);
  brush.fillStyle = PAPER;
  brush.fillRect(x + 4, element.y - 9, brush.measureText(text).width + 6, 18);
  write(brush, text, { ...style, x: x + 7, y: element.y });
}

/** The plugin that draws the reference lines, whiskers and labels of one plot. */
function marksPlugin(marks: Marks): Plugin {
  const { references = [], whiskers = [], labels = [], whiskersBehind = false } = marks;
  const before = whiskersBehind ? whiskers : [], after = whiskersBehind ? [] : whiskers;
  return {
    id: "marks",
    beforeDatasetsDraw(chart: Chart) {
      for (const reference of references) drawReferenceLine(chart, reference);
      for (const whisker of before) drawWhisker(chart, whisker);
    },
    afterDatasetsDraw(chart: Chart) {
      for (const whisker of after) drawWhisker(chart, whisker);
      for (const label of labels) drawLabel(chart, label);
      for (const [i, reference] of references.filter(({ axis }) => axis === "x").entries()) {
        drawNameAbove(chart, reference, { level: i % 2 });
      }
      drawNamesBeside(chart, marks);
    },
  };
}

/** Builds a plot from its data, axes and marks. */
export function plotOf(
  type: "bar" | "scatter",
  { datasets, x, y, marks = {}, labels, plugins = [] }: {
    datasets: ChartDataset[];
    x: Scale;
    y: Scale;
    marks?: Marks;
    labels?: readonly string[];
    plugins?: Plugin[];
  },
): Plot {
  const above = (marks.references ?? []).filter(({ axis }) => axis === "x").length;
  return {
    type,
    data: { labels: labels && [...labels], datasets },
    plugins: [...plugins, marksPlugin(marks)],
    options: {
      animation: false,
      responsive: false,
      devicePixelRatio: DENSITY,
      locale: "en-US",
      indexAxis: type === "bar" ? "y" : "x",
      font: { family: FONT },
      layout: {
        padding: ({ chart }) => ({
          top: above === 0 ? 6 : 4 + NAME_LINE * Math.min(2, above),
          right: roomBeside(chart.ctx as unknown as Brush, marks),
        }),
      },
      plugins: { legend: { display: false }, tooltip: { enabled: false } },
      scales: { x, y },
    },
  } as Plot;
}
