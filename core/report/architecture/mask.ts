/** What a layer's queries see: one row of cells a query, drawn from the rule of the mask. */
import { type Markup, markup } from "../document/html.ts";
import { drawing, label } from "../document/svg.ts";
import { faded, GRID } from "../palette.ts";
import { PARTS } from "./layer_stack.ts";

const SIZE = 300, LEFT = 46, TOP = 26, MOST_ROWS = 300;

/** The keys that a query sees, as half-open ranges: meta tokens first, then text. */
export function visibleRanges(
  q: number,
  { window, meta }: { window: number; meta: number },
): readonly (readonly [from: number, to: number])[] {
  const first = window > 0 ? Math.max(0, q - window + 1) : 0;
  return first <= meta ? [[0, q + 1]] : [...(meta > 0 ? [[0, meta] as const] : []), [first, q + 1]];
}

/** Draws a mask over M meta tokens and T tokens of text. */
export function maskDiagram({ window, meta, T }: { window: number; meta: number; T: number }): Markup {
  const positions = meta + T, unit = SIZE / positions, stride = Math.ceil(positions / MOST_ROWS);
  const path: string[] = [];
  for (let q = 0; q < positions; q += stride) {
    const height = (Math.min(stride, positions - q) * unit).toFixed(2), y = (TOP + q * unit).toFixed(2);
    for (const [from, to] of visibleRanges(q, { window, meta })) {
      path.push(
        `M${(LEFT + from * unit).toFixed(2)} ${y}h${((to - from) * unit).toFixed(2)}v${height}h${
          ((from - to) * unit).toFixed(2)
        }z`,
      );
    }
  }
  const edge = meta * unit, name = window > 0 ? `window ${window}` : "global";
  const line = (points: string) =>
    markup`
      <polyline points="${points}" stroke="${PARTS.meta}" stroke-width="1.5" fill="none" />
    `;
  return drawing(
    {
      width: LEFT + SIZE + 20,
      height: TOP + SIZE + 40,
      title: `Mask, ${name}, ${meta} meta tokens, ${T} tokens of text`,
    },
    markup`
      <rect x="${LEFT}" y="${TOP}" width="${SIZE}" height="${SIZE}" fill="#fff" stroke="${GRID}" /><path
        d="${path.join("")}" fill="${faded(window > 0 ? PARTS.local : PARTS.global, 0.75)}" />${
      meta > 0 && [
        line(`${LEFT + edge},${TOP} ${LEFT + edge},${TOP + SIZE}`),
        line(`${LEFT},${TOP + edge} ${LEFT + SIZE},${TOP + edge}`),
        label(`meta 0 – ${meta - 1}`, { x: LEFT + edge / 2, y: TOP - 12, colour: PARTS.meta, anchor: "middle" }),
      ]
    }${label("key position", { x: LEFT + SIZE / 2, y: TOP + SIZE + 16, anchor: "middle" })}${
      label("0", {
        x: LEFT - 6,
        y: TOP + 6,
        anchor: "end",
      })
    }${label(String(positions - 1), { x: LEFT - 6, y: TOP + SIZE - 6, anchor: "end" })}${
      label("query", {
        x: LEFT - 6,
        y: TOP + SIZE / 2,
        anchor: "end",
      })
    }
    `,
  );
}
