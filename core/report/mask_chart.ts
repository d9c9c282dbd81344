/** Pictures of masks: rows are queries, columns are keys. */
import { FAINT, INK } from "./palette.ts";
import type { Mask } from "../proof/visibility.ts";
import { type Box, type Brush, cellImage, HIDDEN, type Rgb, segment, SMALLEST, write } from "./chart/canvas.ts";
import { type Cell, drawSheet } from "./chart/sheet.ts";

/** A mask, its title, and a line of counts below the title. */
export interface MaskFigure {
  readonly title: string;
  readonly counts: string;
  readonly mask: Mask;
}

const SEEN: Rgb = [0, 114, 178], FUTURE: Rgb = [213, 94, 0];

async function paintMask(brush: Brush, { x, y, width, height }: Box, { M, T, sees }: Mask): Promise<void> {
  // Meta tokens are not predicted, so a query that sees a later meta token is no leak.
  const image = await cellImage(M + T, (q, k) => !sees(q, k) ? HIDDEN : k > q && k >= M ? FUTURE : SEEN);
  const side = Math.min(width, height), edge = side * M / (M + T);
  brush.save();
  brush.imageSmoothingEnabled = false;
  brush.drawImage(image, x, y, side, side);
  brush.restore();
  if (M === 0) return;
  brush.strokeStyle = INK;
  brush.lineWidth = 1;
  brush.beginPath();
  segment(brush, [x + edge, y], [x + edge, y + side]);
  segment(brush, [x, y + edge], [x + side, y + edge]);
  brush.stroke();
  const style = { size: SMALLEST, colour: FAINT, align: "right" as const };
  write(brush, `meta tokens 0 – ${M - 1}`, { ...style, x: x + side - 5, y: y + edge + 10 });
}

/** Draws masks side by side. Returns the bytes of a PNG. */
export function maskChart(
  figures: readonly MaskFigure[],
  { title, footer }: { title: string; footer: string },
): Promise<Uint8Array> {
  const cells = figures.map(({ title, counts, mask }): Cell => ({
    title,
    subtitle: counts,
    paint: (brush, box) => paintMask(brush, box, mask),
  }));
  const leaks = figures.some(({ mask: { M, T, sees } }) =>
    Array.from({ length: T - 1 }, (_, t) => M + t).some((q) => sees(q, q + 1))
  );
  const columns = figures.length > 2 ? 3 : 2;
  return drawSheet({
    title,
    subtitle: `Rows are queries, columns are keys; blue is visible, grey is hidden${
      leaks ? ", orange is the future" : ""
    }`,
    footer,
    columns,
    cells,
    cellHeight: columns === 2 ? 500 : 331,
  });
}
