/** The legend of a sheet: the colour and marker of each arm, then the meaning of line styles and fills. */
import { at } from "../../lists.ts";
import { FAINT, GRID, INK } from "../palette.ts";
import type { ArmAxis } from "./bars.ts";
import { type Box, type Brush, LINE, paragraph, segment, SMALLEST, wrapped, write } from "./canvas.ts";

/** A sample of a style and its meaning. */
export interface Key {
  readonly sample: "line" | "faint" | "dashed" | "hollow" | "filled" | "tick" | "solid" | "light";
  readonly text: string;
}

/** The names of the arms, the meaning of samples, and sentences. */
export interface Legend {
  readonly axis: ArmAxis;
  readonly keys: readonly Key[];
  readonly notes: readonly string[];
}

const ROW = 23;

function sampleLine(brush: Brush, { x, y }: Box, { width, dash, colour }: {
  width: number;
  dash: number[];
  colour: string;
}): void {
  brush.setLineDash(dash);
  brush.lineWidth = width;
  brush.strokeStyle = colour;
  brush.beginPath();
  segment(brush, [x, y], [x + 26, y]);
  brush.stroke();
  brush.setLineDash([]);
}

function drawSample(brush: Brush, { sample }: Key, box: Box): void {
  const { x, y } = box;
  brush.lineWidth = 2;
  brush.strokeStyle = brush.fillStyle = INK;
  switch (sample) {
    case "line":
      return sampleLine(brush, box, { width: 2, dash: [], colour: INK });
    case "faint":
      return sampleLine(brush, box, { width: 1, dash: [], colour: FAINT });
    case "dashed":
      return sampleLine(brush, box, { width: 2, dash: [6, 4], colour: INK });
    case "tick":
      return brush.fillRect(x + 12, y - 8, 2, 16);
    case "solid":
      return brush.fillRect(x, y - 6, 26, 12);
    case "light":
      brush.fillStyle = GRID;
      brush.fillRect(x, y - 6, 26, 12);
      brush.lineWidth = 1;
      return brush.strokeRect(x + 0.5, y - 5.5, 25, 11);
  }
  brush.beginPath();
  brush.arc(x + 13, y, 6, 0, 2 * Math.PI);
  if (sample === "filled") brush.fill();
  brush.stroke();
}

/** Columns of a legend of this width: three where it lies below the plots. */
const columnsOf = (width: number): number => width >= 640 ? 3 : 1;

/** Draws arms, keys and notes from the top of `box` downwards. */
export async function drawLegend(brush: Brush, box: Box, { axis, keys, notes }: Legend): Promise<void> {
  const { drawPoint } = await import("chart.js/helpers");
  const columns = columnsOf(box.width), width = box.width / columns;
  const text = { size: SMALLEST, colour: INK, width: width - 40 };
  const placeOf = (index: number, top: number) => ({
    ...box,
    x: box.x + (index % columns) * width,
    y: top + 12 + ROW * Math.floor(index / columns),
  });
  for (const [index, name] of axis.names.entries()) {
    const { colour, marker, rotation } = at(axis.looks, index), place = placeOf(index, box.y);
    sampleLine(brush, place, { width: 2, dash: [], colour });
    brush.fillStyle = brush.strokeStyle = colour;
    brush.lineWidth = 2;
    const options = { pointStyle: marker, radius: 6, borderWidth: 2, rotation };
    drawPoint(brush as unknown as Parameters<typeof drawPoint>[0], options, place.x + 13, place.y);
    write(brush, name, { ...text, x: place.x + 40, y: place.y });
  }
  const below = box.y + rowsHeight(axis.names.length, columns);
  for (const [index, key] of keys.entries()) {
    const place = placeOf(index, below);
    drawSample(brush, key, place);
    write(brush, key.text, { ...text, x: place.x + 40, y: place.y });
  }
  let y = below + rowsHeight(keys.length, columns);
  for (const note of notes) y = paragraph(brush, note, { ...box, y });
}

/** The height of so many names, with a gap below them; 0 without names (logical pixels). */
const rowsHeight = (count: number, columns: number): number => count === 0 ? 0 : ROW * Math.ceil(count / columns) + 6;

/** The height of a legend of this width (logical pixels). */
export function legendHeight(brush: Brush, { axis, keys, notes }: Legend, width: number): number {
  const columns = columnsOf(width), rows = (count: number) => rowsHeight(count, columns);
  const lines = notes.map((note) => LINE * wrapped(brush, note, { size: SMALLEST, width }).length + 8);
  return rows(axis.names.length) + rows(keys.length) + lines.reduce((sum, height) => sum + height, 0);
}
