/** hymba_attention_*.png: heat maps of the attention probabilities of five layers. */
import type { Chart, Plugin, Scale as ChartScale } from "chart.js";
import type { AttentionMap, Run, StageName } from "../record/mod.ts";
import { HymbaError } from "../errors.ts";
import { at } from "../lists.ts";
import { AFTER, footerOf, oneLine } from "./caption.ts";
import {
  type Box,
  type Brush,
  cellImage,
  DENSITY,
  FONT,
  HIDDEN,
  paragraph,
  type Rgb,
  segment,
  SMALLEST,
  write,
} from "./chart/canvas.ts";
import { drawable } from "./chart/drawable.ts";
import { plotOf, type Scale, scale } from "./chart/plot.ts";
import { type Cell, drawSheet } from "./chart/sheet.ts";
import { viridis } from "./colour_map.ts";
import { percent } from "./format.ts";
import { ACCENT, INK } from "./palette.ts";

const GLOBALS = 3, LOCALS = 2;

/** `count` elements of a list, evenly spaced. With `ends` the first and the last element are among them. */
function spreadOver<T>(list: readonly T[], count: number, { ends }: { ends: boolean }): T[] {
  if (list.length <= count) return [...list];
  const place = (i: number) => ends ? i * (list.length - 1) / (count - 1) : (i + 0.5) * list.length / count - 0.5;
  const chosen = Array.from({ length: count }, (_, i) => Math.round(place(i)));
  return list.filter((_, i) => chosen.includes(i));
}

/** Five maps in the order of the layers: the first, the middle and the last global layer, and two local layers. */
export function chosenMaps(maps: readonly AttentionMap[]): AttentionMap[] {
  const of = (kind: AttentionMap["kind"]) => maps.filter((map) => map.kind === kind);
  const chosen = [
    ...spreadOver(of("global"), GLOBALS, { ends: true }),
    ...spreadOver(of("local"), LOCALS, { ends: false }),
  ];
  return chosen.toSorted((a, b) => a.layer - b.layer);
}

/** The shares of attention that text queries give to meta tokens, to themselves and to other text. They add up to 1. */
export function attentionShares(map: AttentionMap): { meta: number; self: number; text: number } {
  const { positions: P, metaTokens: M, probabilities } = map;
  let meta = 0, self = 0, all = 0;
  for (let q = M; q < P; q++) {
    for (let k = 0; k <= q; k++) {
      const p = at(probabilities, q * P + k);
      all += p;
      if (k < M) meta += p;
      else if (k === q) self += p;
    }
  }
  return { meta: meta / all, self: self / all, text: 1 - (meta + self) / all };
}

/** Whether query `q` sees key `k`. */
export const visible = ({ window, metaTokens }: AttentionMap, q: number, k: number) =>
  k <= q && (window === 0 || q - k < window || k < metaTokens);

/**
 * The lowest probability of the colour scale; smaller ones get its colour. It is a tenth of uniform attention, rounded down
 * to 1, 2 or 5 times a power of ten. It depends on the length only, so that the figures of two stages share one scale.
 */
export function floorOf({ positions }: Pick<AttentionMap, "positions">): number {
  const wanted = 1 / (10 * positions), power = Math.floor(Math.log10(wanted));
  const digit = [5, 2].find((digit) => Number(`${digit}e${power}`) <= wanted) ?? 1;
  return Number(`${digit}e${power}`);
}

/** The place of a probability on the logarithmic colour scale: 0 at `floor`, 1 at probability 1. */
const shareOf = (probability: number, floor: number) => 1 - Math.log(Math.max(floor, probability)) / Math.log(floor);

/** The colours of a map. */
function coloursOf(map: AttentionMap): (q: number, k: number) => Rgb {
  const { positions: P, probabilities } = map, floor = floorOf(map);
  return (q, k) => viridis(shareOf(at(probabilities, q * P + k), floor));
}

/** Lines between meta tokens and text. Their label is in the hidden triangle. */
function markMeta(brush: Brush, chart: Chart, { metaTokens: M, positions: P }: AttentionMap): void {
  const { left, top, right, bottom } = chart.chartArea;
  const x = left + M / P * (right - left), y = top + M / P * (bottom - top);
  brush.save();
  brush.strokeStyle = ACCENT;
  brush.lineWidth = 1.25;
  brush.beginPath();
  segment(brush, [x, top], [x, bottom]);
  segment(brush, [left, y], [right, y]);
  brush.stroke();
  brush.restore();
  write(brush, `meta tokens 0 – ${M - 1}`, {
    x: right - 5,
    y: y + 10,
    size: SMALLEST,
    colour: ACCENT,
    bold: true,
    align: "right",
  });
}

/** The most tokens that have room on an axis. */
const NAMED = 24;

/** The height of a cell with a map (logical pixels). */
export const MAP_HEIGHT = 436;

/** An axis of positions with their tokens. A long one names every n-th position and its token. */
function positionAxis({ positions: P, metaTokens: M, labels = [] }: AttentionMap, title: string): Scale {
  if (labels.length < P) return scale({ min: 0, max: P, title: `${title} position` }, { grid: false });
  const words = M > 0 ? `${title} (m: meta token, ·: space)` : `${title} (·: space)`, all = P <= NAMED;
  const step = [1, 2, 4, 5, 10, 20, 25, 50].find((step) => P / step <= NAMED) ?? Math.ceil(P / NAMED);
  const font = { size: SMALLEST, family: FONT };
  const name = (i: number) => all ? tokenName(labels[i] ?? "") : `${tokenName(labels[i] ?? "")} ${i}`;
  return {
    ...scale({ min: 0, max: P, title: words }, { grid: false }),
    ticks: {
      color: INK,
      font,
      autoSkip: false,
      maxRotation: 90,
      minRotation: title === "key" ? 90 : 0,
      callback: (value: unknown) => name(Math.floor(Number(value))),
    },
    afterBuildTicks: (made: ChartScale) => {
      made.ticks = labels.flatMap((_, i) => i % step === 0 ? [{ value: i + 0.5 }] : []);
    },
  };
}

/** A token as an axis shows it: spaces and line breaks can be seen, and a meta token is short. */
const tokenName = (label: string): string =>
  drawable(label.replace(/^meta (\d+)$/, "m$1").replaceAll(" ", "·").replaceAll("\n", "\\n"));

const titleOf = ({ layer, kind, window }: AttentionMap) =>
  `Layer ${layer}, ${kind}${window > 0 ? ` (window ${window})` : ""}`;

/** A cell with a map in colours. `subtitle`: what it shows, in numbers. */
export async function heatCell(
  map: AttentionMap,
  { colourOf, subtitle }: { colourOf: (q: number, k: number) => Rgb; subtitle: string },
): Promise<Cell> {
  const { positions, metaTokens } = map;
  const image = await cellImage(positions, (q, k) => visible(map, q, k) ? colourOf(q, k) : HIDDEN);
  const heat: Plugin = {
    id: "heat",
    beforeDatasetsDraw(chart: Chart) {
      const brush = chart.ctx as unknown as Brush, { left, top, right, bottom } = chart.chartArea;
      brush.save();
      // Enlarged cells stay sharp squares. Where there are more cells than pixels, cells are averaged.
      brush.imageSmoothingEnabled = positions > (right - left) * DENSITY;
      brush.drawImage(image, left, top, right - left, bottom - top);
      brush.restore();
      if (metaTokens > 0) markMeta(brush, chart, map);
    },
  };
  const plot = plotOf("scatter", {
    datasets: [],
    x: positionAxis(map, "key"),
    y: { ...positionAxis(map, "query"), reverse: true },
    plugins: [heat],
  });
  return { title: titleOf(map), subtitle, plot };
}

function heatMapCell(map: AttentionMap): Promise<Cell> {
  const shares = attentionShares(map), meta = map.metaTokens > 0 ? `meta ${percent(shares.meta)}, ` : "";
  const subtitle = `mean attention of text: ${meta}itself ${percent(shares.self)}, other text ${percent(shares.text)}`;
  return heatCell(map, { colourOf: coloursOf(map), subtitle });
}

function colourBar(brush: Brush, { x, y }: Box, floor: number): number {
  const width = 300, height = 18;
  for (let pixel = 0; pixel < width; pixel++) {
    brush.fillStyle = `rgb(${viridis(pixel / (width - 1)).join(" ")})`;
    brush.fillRect(x + pixel, y, 1.5, height);
  }
  const ticks = [floor, 0.0001, 0.001, 0.01, 0.1, 1].filter((tick) => tick === floor || tick > 2 * floor);
  for (const tick of ticks) {
    const left = x + width * shareOf(tick, floor), align = tick === floor ? "left" : "center";
    brush.fillStyle = INK;
    brush.fillRect(left - 0.5, y + height, 1, 4);
    write(brush, String(tick), { x: left, y: y + height + 14, size: SMALLEST, colour: INK, align });
  }
  return hiddenKey(brush, { x, y: y + 52 });
}

/** Says which colour hidden cells have. Returns the y below it. */
export function hiddenKey(brush: Brush, { x, y }: Pick<Box, "x" | "y">): number {
  brush.fillStyle = `rgb(${HIDDEN.join(" ")})`;
  brush.fillRect(x, y, 26, 14);
  write(brush, "hidden by the mask", { x: x + 36, y: y + 7, size: SMALLEST, colour: INK });
  return y + 32;
}

function keyCell({ metaTokens, positions }: AttentionMap, text: string): Cell {
  const floor = floorOf({ positions });
  const notes = [
    `${text} Probabilities are means over all query heads. Each row sums to 1. The darkest ` +
    `colour means ${floor} or less.`,
    ...(metaTokens > 0
      ? [
        `Positions 0 to ${metaTokens - 1} are learned meta tokens, ${metaTokens} to ${positions - 1} are text. ` +
        "Every later position sees the meta tokens, also in local layers.",
      ]
      : []),
  ];
  return {
    title: "Attention probability (logarithmic colours)",
    paint(brush, box) {
      let y = colourBar(brush, { ...box, y: box.y + 10 }, floor);
      for (const note of notes) y = paragraph(brush, note, { ...box, y });
    },
  };
}

/** Draws the attention maps of five layers after a stage. Returns a PNG. Throws a HymbaError when the run has no such maps. */
export async function attentionChart(run: Run, stage: StageName): Promise<Uint8Array> {
  const maps = chosenMaps(run.attention[stage] ?? []);
  if (maps.length === 0) {
    throw new HymbaError(`the run has no attention maps ${AFTER[stage]}`, {
      hint: "only the arm hymba gets maps: train it, or repeat the training command to finish the stage",
    });
  }
  return await mapSheet(maps, {
    title: `Attention of hymba ${AFTER[stage]}`,
    text: "One sequence of the validation text.",
    footer: footerOf(run),
  });
}

async function mapSheet(
  maps: readonly AttentionMap[],
  { title, text, footer }: { title: string; text: string; footer: string },
): Promise<Uint8Array> {
  const cells = [...await Promise.all(maps.map(heatMapCell)), keyCell(at(maps, 0), text)];
  return await drawSheet({
    title,
    subtitle: `Rows are queries, columns are keys; logarithmic colour scale from ${floorOf(at(maps, 0))} to 1`,
    footer,
    columns: 2,
    cells,
    cellHeight: MAP_HEIGHT,
  });
}

/** Draws the attention of a model on a reader's own text. `source`: the model in words. Returns a PNG. */
export const promptAttentionChart = (
  maps: readonly AttentionMap[],
  { model, source }: { model: string; source: string },
): Promise<Uint8Array> =>
  mapSheet(chosenMaps(maps), {
    title: `Attention of ${oneLine(model)}`,
    text: "A text of the reader's own.",
    footer: source,
  });
