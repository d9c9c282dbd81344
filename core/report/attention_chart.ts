/** hymba_attention_*.png: what queries attend to, layer by layer. */
import type { Chart, Plugin } from "chart.js";
import type { AttentionMap, Run, StageName } from "../record/mod.ts";
import { HymbaError } from "../errors.ts";
import { footerOf } from "./caption.ts";
import { type Box, type Brush, canvasOf, DENSITY, write } from "./chart/canvas.ts";
import { plotOf, scale } from "./chart/plot.ts";
import { type Cell, drawSheet, paragraph } from "./chart/sheet.ts";
import { viridis } from "./colour_map.ts";
import { percent } from "./format.ts";
import { ACCENT, INK } from "./palette.ts";

const GLOBALS = 3, LOCALS = 2;
/** What a query may not see. */
const HIDDEN = [238, 240, 243] as const;

/** `count` members spread evenly over a list, its ends included when there are two or more. */
function spreadOver<T>(list: readonly T[], count: number, { ends }: { ends: boolean }): T[] {
  if (list.length <= count) return [...list];
  const at = (i: number) => ends ? i * (list.length - 1) / (count - 1) : (i + 0.5) * list.length / count - 0.5;
  return Array.from({ length: count }, (_, i) => list[Math.round(at(i))]!);
}

/** Five maps: three global layers (first, middle, last) and two local ones, in the order of the layers. */
export function chosenMaps(maps: readonly AttentionMap[]): AttentionMap[] {
  const of = (kind: AttentionMap["kind"]) => maps.filter((map) => map.kind === kind);
  const chosen = [
    ...spreadOver(of("global"), GLOBALS, { ends: true }),
    ...spreadOver(of("local"), LOCALS, { ends: false }),
  ];
  return chosen.toSorted((a, b) => a.layer - b.layer);
}

/** Where the text queries' attention goes: meta tokens, the query itself, the rest of the text. The shares add up to 1. */
export function attentionShares(map: AttentionMap): { meta: number; self: number; text: number } {
  const { positions: P, metaTokens: M, probabilities } = map;
  let meta = 0, self = 0, all = 0;
  for (let q = M; q < P; q++) {
    for (let k = 0; k <= q; k++) {
      const p = probabilities[q * P + k]!;
      all += p;
      if (k < M) meta += p;
      else if (k === q) self += p;
    }
  }
  return { meta: meta / all, self: self / all, text: 1 - (meta + self) / all };
}

const visible = ({ window, metaTokens }: AttentionMap, q: number, k: number) =>
  k <= q && (window === 0 || q - k < window || k < metaTokens);

/**
 * The probability below which all cells look alike: a tenth of what even attention would give, rounded down to 1, 2 or 5. It
 * depends on the length alone, so that figures of two stages have the same colours.
 */
export function floorOf({ positions }: Pick<AttentionMap, "positions">): number {
  const wanted = 1 / (10 * positions), power = Math.floor(Math.log10(wanted));
  const digit = [5, 2, 1].find((digit) => Number(`${digit}e${power}`) <= wanted)!;
  return Number(`${digit}e${power}`);
}

/** Where a probability lies between the floor and 1 on the logarithmic scale of colours. */
const shareOf = (probability: number, floor: number) => 1 - Math.log(Math.max(floor, probability)) / Math.log(floor);

/** The map as one picture of a pixel a cell. */
async function imageOf(map: AttentionMap) {
  const { positions: P, probabilities } = map, floor = floorOf(map);
  const canvas = await canvasOf(P, P), brush = canvas.getContext("2d"), image = brush.createImageData(P, P);
  for (let q = 0; q < P; q++) {
    for (let k = 0; k < P; k++) {
      const share = shareOf(probabilities[q * P + k]!, floor);
      image.data.set([...(visible(map, q, k) ? viridis(share) : HIDDEN), 255], 4 * (q * P + k));
    }
  }
  brush.putImageData(image, 0, 0);
  return canvas;
}

/** Lines between meta tokens and text, with their name on the side of the hidden triangle. */
function markMeta(brush: Brush, chart: Chart, { metaTokens: M, positions: P }: AttentionMap): void {
  const { left, top, right, bottom } = chart.chartArea;
  const x = left + M / P * (right - left), y = top + M / P * (bottom - top);
  brush.save();
  brush.strokeStyle = ACCENT;
  brush.lineWidth = 1.25;
  brush.beginPath();
  brush.moveTo(x, top), brush.lineTo(x, bottom);
  brush.moveTo(left, y), brush.lineTo(right, y);
  brush.stroke();
  brush.restore();
  write(brush, `meta tokens 0 – ${M - 1}`, {
    x: right - 5,
    y: y + 10,
    size: 10.5,
    colour: ACCENT,
    bold: true,
    align: "right",
  });
}

async function heatMapCell(map: AttentionMap): Promise<Cell> {
  const { layer, kind, positions, metaTokens, window } = map;
  const image = await imageOf(map), shares = attentionShares(map);
  const heat: Plugin = {
    id: "heat",
    beforeDatasetsDraw(chart: Chart) {
      const brush = chart.ctx as unknown as Brush, { left, top, right, bottom } = chart.chartArea;
      brush.save();
      // Enlarged cells stay squares; a map with more cells than pixels is averaged.
      brush.imageSmoothingEnabled = positions > (right - left) * DENSITY;
      brush.drawImage(image, left, top, right - left, bottom - top);
      brush.restore();
      if (metaTokens > 0) markMeta(brush, chart, map);
    },
  };
  const axis = { min: 0, max: positions };
  const plot = plotOf("scatter", {
    datasets: [],
    x: scale({ ...axis, title: "key position" }, { grid: false }),
    y: { ...scale({ ...axis, title: "query position" }, { grid: false }), reverse: true },
    plugins: [heat],
  });
  const meta = metaTokens > 0 ? `meta ${percent(shares.meta)}, ` : "";
  return {
    title: `Layer ${layer}, ${kind}${window > 0 ? ` (window ${window})` : ""}`,
    subtitle: `text queries attend to: ${meta}themselves ${percent(shares.self)}, other text ${percent(shares.text)}`,
    plot,
  };
}

function colourBar(brush: Brush, { x, y }: Box, floor: number): number {
  const width = 300, height = 18;
  for (let pixel = 0; pixel < width; pixel++) {
    brush.fillStyle = `rgb(${viridis(pixel / (width - 1)).join(" ")})`;
    brush.fillRect(x + pixel, y, 1.5, height);
  }
  const ticks = [floor, 0.0001, 0.001, 0.01, 0.1, 1].filter((tick) => tick === floor || tick > 2 * floor);
  for (const tick of ticks) {
    const at = x + width * shareOf(tick, floor), align = tick === floor ? "left" : "center";
    brush.fillStyle = INK;
    brush.fillRect(at - 0.5, y + height, 1, 4);
    write(brush, String(tick), { x: at, y: y + height + 14, size: 11, colour: INK, align });
  }
  brush.fillStyle = `rgb(${HIDDEN.join(" ")})`;
  brush.fillRect(x, y + 52, 26, 14);
  write(brush, "hidden by the mask", { x: x + 36, y: y + 59, size: 12, colour: INK });
  return y + 84;
}

function keyCell({ metaTokens, positions }: AttentionMap): Cell {
  const floor = floorOf({ positions });
  const notes = [
    "One sequence of the validation text; probabilities are the mean of all query heads, computed by a kernel from the " +
    `saved log-sum-exp of each row. Each row adds up to 1. The darkest colour stands for all of ${floor} and less.`,
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

const AFTER: Record<StageName, string> = {
  pretraining: "after pretraining",
  orpo: "after ORPO",
  control: "after the control (β = 0)",
};

/**
 * Draws the attention maps of five layers after a stage. Returns the bytes of a PNG; throws a HymbaError when the run has
 * none for that stage.
 */
export async function attentionChart(run: Run, stage: StageName): Promise<Uint8Array> {
  const maps = chosenMaps(run.attention[stage] ?? []);
  if (maps.length === 0) {
    throw new HymbaError(`the run has no attention maps ${AFTER[stage]}`, {
      hint: "maps are made of the arm hymba: train it, or finish the stage by giving the same command again",
    });
  }
  const cells = [...await Promise.all(maps.map(heatMapCell)), keyCell(maps[0]!)];
  return await drawSheet({
    title: `Attention of hymba ${AFTER[stage]}`,
    subtitle: `Rows are queries, columns are keys; logarithmic colour scale from ${floorOf(maps[0]!)} to 1`,
    footer: footerOf(run),
    columns: 3,
    cells,
    cell: { width: 470, height: 508 },
  });
}
