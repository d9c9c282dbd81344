/** hymba_attention_change.png: the attention of each layer after ORPO minus that before it. */
import type { AttentionMap, Run } from "../record/mod.ts";
import { HymbaError } from "../errors.ts";
import { at } from "../lists.ts";
import { attentionShares, chosenMaps, heatCell, hiddenKey, MAP_HEIGHT, visible } from "./attention_chart.ts";
import { footerOf } from "./caption.ts";
import { type Brush, paragraph, SMALLEST, write } from "./chart/canvas.ts";
import { type Cell, drawSheet } from "./chart/sheet.ts";
import { changeColour } from "./colour_map.ts";
import { percent } from "./format.ts";
import { INK } from "./palette.ts";

/** A layer's attention before and after ORPO, on the same tokens. */
export interface AttentionChange {
  readonly before: AttentionMap;
  readonly after: AttentionMap;
  /** Share of the attention of text that went to other keys: half the sum of absolute differences, averaged over queries. */
  readonly moved: number;
}

const sameTokens = (a: AttentionMap, b: AttentionMap) =>
  a.layer === b.layer && a.positions === b.positions && JSON.stringify(a.labels) === JSON.stringify(b.labels);

/** The changes of the layers that a figure shows; empty when the run has not the maps of both stages. */
export function attentionChanges(
  { attention: { pretraining = [], orpo = [] } }: Pick<Run, "attention">,
): AttentionChange[] {
  return chosenMaps(pretraining).flatMap((before) => {
    const after = orpo.find((map) => sameTokens(before, map));
    return after ? [{ before, after, moved: movedShare(before, after) }] : [];
  });
}

function movedShare(before: AttentionMap, after: AttentionMap): number {
  const { positions: P, metaTokens: M } = before;
  let sum = 0;
  for (let i = M * P; i < P * P; i++) sum += Math.abs(at(after.probabilities, i) - at(before.probabilities, i));
  return sum / 2 / Math.max(1, P - M);
}

/** The end of the colour scale: one cell in a hundred changes by more. Rounded up to 1, 2 or 5 times a power of ten. */
export function limitOf(changes: readonly AttentionChange[]): number {
  const sizes = changes.flatMap(({ before, after }) => {
    const { positions: P } = before;
    const cells = Array.from({ length: P * P }, (_, i) => i).filter((i) => visible(before, Math.floor(i / P), i % P));
    return cells.map((i) => Math.abs(at(after.probabilities, i) - at(before.probabilities, i)));
  }).toSorted((a, b) => a - b);
  const wanted = sizes[Math.floor(0.99 * (sizes.length - 1))] ?? 0;
  if (!(wanted > 0)) return 0.01;
  const power = Math.floor(Math.log10(wanted)),
    digit = [1, 2, 5, 10].find((digit) => Number(`${digit}e${power}`) >= wanted);
  return Number(`${digit ?? 10}e${power}`);
}

/** A change in percentage points, with its sign. */
function points(change: number): string {
  const size = (100 * Math.abs(change)).toFixed(1);
  return Number(size) === 0 ? size : `${change < 0 ? "−" : "+"}${size}`;
}

function changeCell({ before, after, moved }: AttentionChange, limit: number): Promise<Cell> {
  const was = attentionShares(before), is = attentionShares(after), { positions: P, metaTokens } = before;
  const meta = metaTokens > 0 ? `meta ${points(is.meta - was.meta)}, ` : "";
  return heatCell(before, {
    colourOf: (q, k) =>
      changeColour((at(after.probabilities, q * P + k) - at(before.probabilities, q * P + k)) / limit),
    subtitle: `${percent(moved)} moved; points: ${meta}itself ${points(is.self - was.self)}, other text ${
      points(is.text - was.text)
    }`,
  });
}

/** Draws the scale of colours. Returns the y below it. */
function changeBar(brush: Brush, { x, y, limit }: { x: number; y: number; limit: number }): number {
  const width = 300, height = 18;
  for (let pixel = 0; pixel < width; pixel++) {
    brush.fillStyle = `rgb(${changeColour(2 * pixel / (width - 1) - 1).join(" ")})`;
    brush.fillRect(x + pixel, y, 1.5, height);
  }
  const ends = [[0, `−${limit} or less`, "left"], [0.5, "0", "center"], [1, `+${limit} or more`, "right"]] as const;
  for (const [share, text, align] of ends) {
    write(brush, text, { x: x + share * width, y: y + height + 14, size: SMALLEST, colour: INK, align });
  }
  return hiddenKey(brush, { x, y: y + 52 });
}

function keyCell(limit: number): Cell {
  const notes = [
    "Light cells got more attention from ORPO, dark cells less, grey cells the same. Probabilities are means over all " +
    "query heads, on one sequence of the validation text.",
    "Moved: the share of a query's attention that went from some keys to others, averaged over the queries of text. Points: " +
    "percentage points that meta tokens, the query itself and other text gained or lost.",
  ];
  return {
    title: "Change of the probability",
    paint(brush, box) {
      let y = changeBar(brush, { x: box.x, y: box.y + 10, limit });
      for (const note of notes) y = paragraph(brush, note, { ...box, y });
    },
  };
}

/** The largest and the smallest change, in one sentence. */
export function changeFinding(changes: readonly AttentionChange[]): string {
  const sorted = changes.toSorted((a, b) => b.moved - a.moved), most = at(sorted, 0), least = at(sorted, -1);
  const inWords = ({ before, moved }: AttentionChange) => `layer ${before.layer}: ${percent(moved)}`;
  if (sorted.length === 1) return `Attention of text that moved to other keys, ${inWords(most)}`;
  return `Attention of text that moved to other keys: most in ${inWords(most)}, least in ${inWords(least)}`;
}

/** Draws how ORPO changed five layers. Returns a PNG. Throws a HymbaError when the run has not the maps of both stages. */
export async function attentionChangeChart(run: Run): Promise<Uint8Array> {
  const changes = attentionChanges(run), limit = limitOf(changes);
  if (changes.length === 0) {
    throw new HymbaError("the run has no attention maps of both stages", {
      hint: "only the arm hymba gets maps: train it, or repeat the training command to finish the second stage",
    });
  }
  return await drawSheet({
    title: "How ORPO changed the attention of hymba",
    subtitle: changeFinding(changes),
    footer: footerOf(run),
    columns: 2,
    cells: [...await Promise.all(changes.map((change) => changeCell(change, limit))), keyCell(limit)],
    cellHeight: MAP_HEIGHT,
  });
}
