/** The legend of a sheet: the colour and marker of each arm, then the meaning of line styles and fills. */
import { at } from "../../lists.ts";
import { FAINT, GRID, INK } from "../palette.ts";
import type { ArmAxis } from "./bars.ts";
import { type Box, type Brush, segment, write } from "./canvas.ts";
import { paragraph } from "./sheet.ts";

/** A sample of a style and its meaning. */
export interface Key {
  readonly sample: "line" | "faint" | "dashed" | "hollow" | "filled" | "tick" | "solid" | "light";
  readonly text: string;
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

/** Draws arms, keys and notes from the top of `box` downwards. */
export async function drawLegend(
  brush: Brush,
  box: Box,
  { axis, keys, notes }: { axis: ArmAxis; keys: readonly Key[]; notes: readonly string[] },
): Promise<void> {
  const { drawPoint } = await import("chart.js/helpers");
  const text = { size: 12.5, colour: INK, x: box.x + 40, width: box.width - 40 };
  let y = box.y + 12;
  for (const [index, name] of axis.names.entries()) {
    const { colour, marker, rotation } = at(axis.looks, index);
    sampleLine(brush, { ...box, y }, { width: 2, dash: [], colour });
    brush.fillStyle = brush.strokeStyle = colour;
    brush.lineWidth = 2;
    const options = { pointStyle: marker, radius: 6, borderWidth: 2, rotation };
    drawPoint(brush as unknown as Parameters<typeof drawPoint>[0], options, box.x + 13, y);
    write(brush, name, { ...text, y });
    y += ROW;
  }
  y += 8;
  for (const key of keys) {
    drawSample(brush, key, { ...box, y });
    write(brush, key.text, { ...text, y });
    y += ROW;
  }
  y += 2;
  for (const note of notes) y = paragraph(brush, note, { ...box, y });
}
