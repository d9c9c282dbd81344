/** Small pieces of drawings. Lengths are in user units of the drawing. */
import { FAINT, INK } from "../palette.ts";
import { type Insert, type Markup, markup } from "./html.ts";

/** A drawing with its description for readers who do not see it. */
export function drawing(
  { width, height, title }: { width: number; height: number; title: string },
  body: Insert,
): Markup {
  return markup`
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"
      role="img" aria-label="${title}"
      font-family="Inter, system-ui, sans-serif"><title>${title}</title>${body}</svg>
  `;
}

/** Where letters stand whose middle is at y: not every reader of SVG knows a central baseline. */
const baseline = (y: number, size: number) => Number((y + 0.36 * size).toFixed(2));

export interface BoxStyle {
  readonly fill: string;
  readonly stroke?: string;
  readonly dashed?: boolean;
  readonly colour?: string;
  readonly size?: number;
}

/** A rounded box with one or two centred lines of text. */
export function textBox(
  [x, y, width, height]: readonly [number, number, number, number],
  lines: readonly string[],
  { fill, stroke = "none", dashed = false, colour = INK, size = 13 }: BoxStyle,
): Markup {
  const middle = y + height / 2, gap = size * 1.25, first = middle - (lines.length - 1) * gap / 2;
  return markup`
    <rect x="${x}" y="${y}" width="${width}" height="${height}" rx="5" fill="${fill}"
      stroke="${stroke}" stroke-dasharray="${dashed ? "5 3" : "none"}" />${
    lines.map((text, index) =>
      markup`
          <text x="${x + width / 2}" y="${baseline(first + index * gap, size)}" font-size="${
        index === 0 ? size : size - 2
      }" fill="${colour}" text-anchor="middle">${text}</text>
        `
    )
  }
  `;
}

/** A line of text whose middle is at y. */
export function label(
  text: string,
  { x, y, size = 12, colour = FAINT, anchor = "start" }: {
    x: number;
    y: number;
    size?: number;
    colour?: string;
    anchor?: "start" | "middle" | "end";
  },
): Markup {
  return markup`
    <text x="${x}" y="${baseline(y, size)}" font-size="${size}" fill="${colour}" text-anchor="${anchor}">${text}</text>
  `;
}

/** A path with an arrow head at its last point; points are joined by straight lines. */
export function arrow(points: readonly (readonly [number, number])[], { colour = FAINT } = {}): Markup {
  const [[fromX, fromY], [x, y]] = [points.at(-2)!, points.at(-1)!];
  const angle = Math.atan2(y - fromY, x - fromX), size = 6;
  const corner = (turn: number) =>
    `${(x - size * Math.cos(angle + turn)).toFixed(1)},${(y - size * Math.sin(angle + turn)).toFixed(1)}`;
  return markup`
    <polyline points="${
    points.map((point) => point.join(",")).join(
      " ",
    )
  }" fill="none" stroke="${colour}" stroke-width="1.4" />
    <polygon points="${x},${y} ${corner(0.5)} ${corner(-0.5)}" fill="${colour}" />
  `;
}
