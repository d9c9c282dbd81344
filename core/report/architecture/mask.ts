/** A diagram of a layer's mask: one row per query, one column per key. The cells follow from the rule of the mask. */
import { type HymbaConfig, layersOf } from "../../config/mod.ts";
import { type Markup, markup } from "../document/html.ts";
import { drawing, label } from "../document/svg.ts";
import { GRID, tinted } from "../palette.ts";
import { PARTS } from "./layer_stack.ts";

const SIZE = 300, LEFT = 46, TOP = 26, MOST_ROWS = 300;

/** The size of the drawing of a mask. */
export const MASK_SIZE = { width: LEFT + SIZE + 20, height: TOP + SIZE + 40 };

/** The keys that query `q` sees, as half-open ranges: meta tokens first, then text. */
export function visibleRanges(
  q: number,
  { window, meta }: { window: number; meta: number },
): readonly (readonly [from: number, to: number])[] {
  const first = window > 0 ? Math.max(0, q - window + 1) : 0;
  if (first <= meta) return [[0, q + 1]];
  return meta > 0 ? [[0, meta], [first, q + 1]] : [[first, q + 1]];
}

/** The masks that the drawings of a model show: each window of its attention layers once, over T tokens of text. */
export function shownMasks(config: HymbaConfig): { windows: number[]; meta: number; T: number } {
  const windows = new Set(layersOf(config).filter(({ attention }) => attention).map(({ window }) => window));
  return {
    windows: [...windows].toSorted((a, b) => a - b),
    meta: config.metaTokens,
    T: Math.max(2 * config.swaWindow, 16),
  };
}

/** The visible cells as one path: a rectangle for each range of each row. A long mask shows only every n-th row. */
function cellsPath({ window, meta, positions }: { window: number; meta: number; positions: number }): string {
  const unit = SIZE / positions, stride = Math.ceil(positions / MOST_ROWS), path: string[] = [];
  for (let q = 0; q < positions; q += stride) {
    const height = (Math.min(stride, positions - q) * unit).toFixed(2), y = (TOP + q * unit).toFixed(2);
    for (const [from, to] of visibleRanges(q, { window, meta })) {
      const x = (LEFT + from * unit).toFixed(2), width = (to - from) * unit;
      path.push(`M${x} ${y}h${width.toFixed(2)}v${height}h${(-width).toFixed(2)}z`);
    }
  }
  return path.join("");
}

/** The lines between meta tokens and text, with a label. */
function metaLines(meta: number, { edge, labels }: { edge: number; labels: boolean }): Markup {
  const line = (points: string) =>
    markup`<polyline points="${points}" stroke="${PARTS.meta}" stroke-width="1.5" fill="none"/>`;
  const name = { x: LEFT + edge / 2, y: TOP - 12, colour: PARTS.meta, anchor: "middle" } as const;
  return markup`${line(`${LEFT + edge},${TOP} ${LEFT + edge},${TOP + SIZE}`)}${
    line(`${LEFT},${TOP + edge} ${LEFT + SIZE},${TOP + edge}`)
  }${labels && label(`meta 0 – ${meta - 1}`, name)}`;
}

/** Draws a mask over M meta tokens and T tokens of text. `labels`: with words at its edges. */
export function maskDiagram(
  { window, meta, T }: { window: number; meta: number; T: number },
  { labels = true } = {},
): Markup {
  const positions = meta + T, kind = window > 0 ? `window ${window}` : "global";
  const fill = tinted(window > 0 ? PARTS.local : PARTS.global, 0.75), beside = { x: LEFT - 6, anchor: "end" } as const;
  const title = `Mask, ${kind}, ${meta} meta tokens, ${T} tokens of text`;
  return drawing(
    { ...MASK_SIZE, title },
    markup`<rect x="${LEFT}" y="${TOP}" width="${SIZE}" height="${SIZE}" fill="#fff" stroke="${GRID}"/><path d="${
      cellsPath({ window, meta, positions })
    }" fill="${fill}"/>${meta > 0 && metaLines(meta, { edge: meta * SIZE / positions, labels })}${
      labels && [
        label("key position", { x: LEFT + SIZE / 2, y: TOP + SIZE + 16, anchor: "middle" }),
        label("0", { ...beside, y: TOP + 6 }),
        label("query", { ...beside, y: TOP + SIZE / 2 }),
        label(String(positions - 1), { ...beside, y: TOP + SIZE - 6 }),
      ]
    }`,
  );
}
