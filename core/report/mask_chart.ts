/** What each kind of layer lets its queries see, as squares: rows are queries, columns are keys. */
import { FAINT, INK } from "./palette.ts";
import type { Mask } from "../proof/visibility.ts";
import { type Box, type Brush, canvasOf, write } from "./chart/canvas.ts";
import { type Cell, drawSheet } from "./chart/sheet.ts";

/** A mask with its name and its counts in words. */
export interface MaskFigure {
  readonly title: string;
  readonly counts: string;
  readonly mask: Mask;
}

const SEEN = [0, 114, 178] as const, FUTURE = [213, 94, 0] as const, HIDDEN = [238, 240, 243] as const;

/** One pixel a pair. */
async function imageOf({ M, T, sees }: Mask) {
  const size = M + T, canvas = await canvasOf(size, size), brush = canvas.getContext("2d");
  const image = brush.createImageData(size, size);
  for (let q = 0; q < size; q++) {
    for (let k = 0; k < size; k++) {
      // Meta tokens are no text that could be predicted, so seeing a later one is no leak.
      const colour = !sees(q, k) ? HIDDEN : k > q && k >= M ? FUTURE : SEEN;
      image.data.set([...colour, 255], 4 * (q * size + k));
    }
  }
  brush.putImageData(image, 0, 0);
  return canvas;
}

async function paintMask(brush: Brush, { x, y, width, height }: Box, mask: Mask): Promise<void> {
  const side = Math.min(width, height), image = await imageOf(mask), edge = side * mask.M / (mask.M + mask.T);
  brush.save();
  brush.imageSmoothingEnabled = false;
  brush.drawImage(image, x, y, side, side);
  brush.restore();
  if (mask.M === 0) return;
  brush.strokeStyle = INK;
  brush.lineWidth = 1;
  brush.beginPath();
  brush.moveTo(x + edge, y), brush.lineTo(x + edge, y + side);
  brush.moveTo(x, y + edge), brush.lineTo(x + side, y + edge);
  brush.stroke();
  const style = { size: 10.5, colour: FAINT, align: "right" as const };
  write(brush, `meta tokens 0 – ${mask.M - 1}`, { ...style, x: x + side - 5, y: y + edge + 10 });
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
  return drawSheet({
    title,
    subtitle: `Rows are queries, columns are keys; blue is seen, grey is hidden${
      leaks ? ", orange is the future" : ""
    }`,
    footer,
    columns: Math.min(3, figures.length),
    cells,
    cell: { width: 380, height: 430 },
  });
}
