/** A picture with several plots: a title, a grid of cells with their own titles, and a footer. */
import { INK, PAPER } from "../palette.ts";
import {
  type Box,
  type Brush,
  canvasOf,
  DENSITY,
  LINE,
  SHEET,
  SMALLEST,
  wrapped,
  write,
  writeLines,
} from "./canvas.ts";
import { drawLegend, type Legend, legendHeight } from "./legend.ts";
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
  /** Height of a cell without its subtitle (logical pixels). Cells share the width of the sheet. */
  readonly cellHeight: number;
  /** Width of the last column, if it differs from the others. */
  readonly legendWidth?: number;
  /** A legend below the grid, as wide as the sheet. */
  readonly below?: Legend;
}

const MARGIN = 32, GAP = 34, CELL_TITLE = 28, INNER = SHEET - 2 * MARGIN;

/** The width of a column (logical pixels). */
function columnWidth({ columns, legendWidth }: Pick<Sheet, "columns" | "legendWidth">): number {
  const free = INNER - (columns - 1) * GAP;
  return legendWidth === undefined ? free / columns : (free - legendWidth) / (columns - 1);
}

async function drawPlot(brush: Brush, plot: Plot, { x, y, width, height }: Box): Promise<void> {
  const { Chart, registerables } = await import("chart.js");
  Chart.register(...registerables);
  const canvas = await canvasOf(width, height);
  // Chart.js itself multiplies the size of the canvas by the density.
  const chart = new Chart(canvas as unknown as HTMLCanvasElement, plot);
  brush.drawImage(canvas, x, y, width, height);
  chart.destroy();
}

/** The subtitle of a cell of this width, in lines. */
const subtitleLines = (brush: Brush, subtitle: string | undefined, width: number): string[] =>
  subtitle ? wrapped(brush, subtitle, { size: SMALLEST, width }) : [];

/** Draws a cell. `subtitle`: the height of the longest subtitle of the row, so that the plots of a row begin together. */
async function drawCell(brush: Brush, cell: Cell, { subtitle, ...box }: Box & { subtitle: number }): Promise<void> {
  const { x, y, width, height } = box, { title, plot, paint } = cell;
  write(brush, title, { x, y: y + 10, size: 16, bold: true, colour: INK, width });
  writeLines(brush, subtitleLines(brush, cell.subtitle, width), { x, y: y + 22 });
  const below = (used: number) => ({ x, y: y + used, width, height: height - used });
  if (plot) await drawPlot(brush, plot, below(CELL_TITLE + subtitle));
  await paint?.(brush, below(CELL_TITLE + (cell.subtitle ? subtitle : 0)));
}

/** A row of cells and where it is drawn (logical pixels). */
interface Row {
  readonly cells: readonly Cell[];
  readonly y: number;
  readonly height: number;
  /** Height of the longest subtitle. */
  readonly subtitle: number;
}

/** The rows of a sheet from `top` downwards, and the y below the last one. */
function rowsOf(brush: Brush, { cells, cellHeight, ...sheet }: Sheet, top: number): { rows: Row[]; bottom: number } {
  const { columns, legendWidth } = sheet, width = columnWidth(sheet), rows: Row[] = [];
  let y = top;
  for (let first = 0; first < cells.length; first += columns) {
    const own = cells.slice(first, first + columns);
    const lines = own.map(({ subtitle }, i) =>
      subtitleLines(brush, subtitle, i === columns - 1 ? legendWidth ?? width : width).length
    );
    const subtitle = LINE * Math.max(...lines), height = cellHeight + subtitle;
    rows.push({ cells: own, y, height, subtitle });
    y += height + GAP;
  }
  return { rows, bottom: y - GAP };
}

/** Draws a sheet. Returns the bytes of a PNG. */
export async function drawSheet(sheet: Sheet): Promise<Uint8Array> {
  const { title, columns, legendWidth, below } = sheet, measure = (await canvasOf(1, 1)).getContext("2d");
  const subtitle = wrapped(measure, sheet.subtitle, { size: 14, width: INNER });
  const footer = wrapped(measure, sheet.footer, { size: SMALLEST, width: INNER });
  const { rows, bottom } = rowsOf(measure, sheet, 72 + LINE * subtitle.length);
  const legend = below && legendHeight(measure, below, INNER),
    footerTop = bottom + (legend ? GAP + legend : 0) + 16;
  const height = Math.ceil(footerTop + LINE * footer.length + 14);
  const canvas = await canvasOf(SHEET * DENSITY, height * DENSITY), brush = canvas.getContext("2d");
  brush.scale(DENSITY, DENSITY);
  brush.fillStyle = PAPER;
  brush.fillRect(0, 0, SHEET, height);
  write(brush, title, { x: MARGIN, y: 36, size: 24, bold: true, colour: INK, width: INNER });
  writeLines(brush, subtitle, { x: MARGIN, y: 55, size: 14 });
  const width = columnWidth(sheet);
  for (const { cells, ...row } of rows) {
    for (const [i, cell] of cells.entries()) {
      const own = i === columns - 1 ? legendWidth ?? width : width;
      await drawCell(brush, cell, { ...row, x: MARGIN + i * (width + GAP), width: own });
    }
  }
  if (below) await drawLegend(brush, { x: MARGIN, y: bottom + GAP, width: INNER, height: legend ?? 0 }, below);
  writeLines(brush, footer, { x: MARGIN, y: footerTop });
  return await canvas.encode("png");
}
