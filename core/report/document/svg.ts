/** Parts of SVG drawings. Lengths are in user units of the drawing. */
import { FAINT, INK } from "../palette.ts";
import { type Insert, type Markup, markup } from "./html.ts";

/** A drawing. Its title is also its description for screen readers. */
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

/** The baseline of letters whose middle is at y. Not every SVG renderer supports `dominant-baseline`. */
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

/** A straight line with an arrow head at its end. */
export function arrow([from, to]: readonly [from: readonly [number, number], to: readonly [number, number]]): Markup {
  const [x, y] = to, angle = Math.atan2(y - from[1], x - from[0]), size = 6;
  const corner = (turn: number) =>
    `${(x - size * Math.cos(angle + turn)).toFixed(1)},${(y - size * Math.sin(angle + turn)).toFixed(1)}`;
  return markup`
    <polyline points="${from.join()} ${to.join()}" fill="none" stroke="${FAINT}" stroke-width="1.4" />
    <polygon points="${x},${y} ${corner(0.5)} ${corner(-0.5)}" fill="${FAINT}" />
  `;
}
