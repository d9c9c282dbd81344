/** A picture with several plots: a title, a grid of cells with their own titles, and a footer. */
import { FAINT, INK, PAPER } from "../palette.ts";
import { type Box, type Brush, canvasOf, DENSITY, wrapped, write } from "./canvas.ts";
import type { Plot } from "./plot.ts";

/** A cell of the grid. It holds a plot, or `paint` draws its contents. */
export interface Cell {
  readonly title: string;
  readonly subtitle?: string;
  readonly plot?: Plot;
  paint?(brush: Brush, box: Box): Promise<void> | void;
}

export interface Sheet {
  readonly title: string;
  readonly subtitle: string;
  readonly footer: string;
  readonly columns: number;
  readonly cells: readonly Cell[];
  /** Logical pixels of a cell. */
  readonly cell: { readonly width: number; readonly height: number };
  /** Width of the last column, if it differs from the others. */
  readonly legendWidth?: number;
}

const MARGIN = 32, GAP = 34, HEADER = 78, FOOTER = 34, CELL_TITLE = 26, CELL_SUBTITLE = 20;

async function drawPlot(brush: Brush, plot: Plot, { x, y, width, height }: Box): Promise<void> {
  const { Chart, registerables } = await import("chart.js");
  Chart.register(...registerables);
  const canvas = await canvasOf(width, height);
  // Chart.js itself multiplies the size of the canvas by the density.
  const chart = new Chart(canvas as unknown as HTMLCanvasElement, plot);
  brush.drawImage(canvas, x, y, width, height);
  chart.destroy();
}

async function drawCell(brush: Brush, { title, subtitle, plot, paint }: Cell, box: Box): Promise<void> {
  const { x, y, width, height } = box;
  write(brush, title, { x, y: y + 10, size: 15, bold: true, colour: INK, width });
  if (subtitle) write(brush, subtitle, { x, y: y + 30, size: 11, colour: FAINT, width });
  const used = CELL_TITLE + (subtitle ? CELL_SUBTITLE : 0), inner = { x, y: y + used, width, height: height - used };
  if (plot) await drawPlot(brush, plot, inner);
  await paint?.(brush, inner);
}

/** Draws a sheet. Returns the bytes of a PNG. */
export async function drawSheet(
  { title, subtitle, footer, columns, cells, cell, legendWidth = cell.width }: Sheet,
): Promise<Uint8Array> {
  const rows = Math.ceil(cells.length / columns);
  const width = 2 * MARGIN + (columns - 1) * (cell.width + GAP) + legendWidth;
  const height = HEADER + MARGIN + rows * cell.height + (rows - 1) * GAP + FOOTER;
  const canvas = await canvasOf(width * DENSITY, height * DENSITY);
  const brush = canvas.getContext("2d");
  brush.scale(DENSITY, DENSITY);
  brush.fillStyle = PAPER;
  brush.fillRect(0, 0, width, height);
  const inner = width - 2 * MARGIN;
  write(brush, title, { x: MARGIN, y: 36, size: 24, bold: true, colour: INK, width: inner });
  write(brush, subtitle, { x: MARGIN, y: 64, size: 13, colour: FAINT, width: inner });
  for (const [index, each] of cells.entries()) {
    const x = MARGIN + (index % columns) * (cell.width + GAP);
    const y = HEADER + 16 + Math.floor(index / columns) * (cell.height + GAP);
    const last = index % columns === columns - 1;
    await drawCell(brush, each, { x, y, width: last ? legendWidth : cell.width, height: cell.height });
  }
  write(brush, footer, { x: MARGIN, y: height - FOOTER / 2 - 4, size: 11, colour: FAINT, width: inner });
  return await canvas.encode("png");
}

/** Writes a paragraph from the top of `box` downwards. Returns the y below it. */
export function paragraph(brush: Brush, text: string, { x, y, width }: Box, size = 11.5): number {
  const lines = wrapped(brush, text, { size, width });
  for (const [i, line] of lines.entries()) write(brush, line, { x, y: y + 9 + 17 * i, size, colour: FAINT });
  return y + 17 * lines.length + 8;
}
