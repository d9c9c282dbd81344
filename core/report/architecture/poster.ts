/** The architecture on one sheet: layers, masks, parameters and caches. Formats: SVG and PNG. */
import { cacheSize, type HymbaConfig, layersOf } from "../../config/mod.ts";
import { type Markup, markup } from "../document/html.ts";
import { drawing, label, textBox } from "../document/svg.ts";
import { bytes, percent, whole } from "../format.ts";
import { GRID, INK, PAPER, tinted } from "../palette.ts";
import { layerStack, stackSize } from "./layer_stack.ts";
import { MASK_SIZE, maskDiagram, shownMasks } from "./mask.ts";
import { pngOf, type SvgSheet } from "./raster.ts";
import { partsOf } from "./sizes.ts";

const MARGIN = 30, HEADER = 70, ROW = 22, PANEL = 760, NAME = 260, BAR = 300;
const LENGTHS = [256, 1024, 8192];

/** A drawing at another place. */
export const moved = (x: number, y: number, body: Markup): Markup =>
  markup`<g transform="translate(${x} ${y})">${body}</g>`;

const heading = (text: string, y: number): Markup => label(text, { x: 0, y, size: 15, colour: INK });

/** The masks of each kind of attention layer, side by side; empty without attention layers. */
function maskPanel(config: HymbaConfig): { body: Markup; height: number } {
  const { windows, T, meta } = shownMasks(config);
  if (windows.length === 0) return { body: markup``, height: 0 };
  const body = markup`${heading(`Masks: ${meta} meta tokens, ${T} tokens of text (blue: visible)`, 8)}${
    windows.map((window, index) => {
      const name = window > 0 ? `local layers, window ${window}` : "global layers";
      const below = { x: MASK_SIZE.width / 2, y: MASK_SIZE.height + 2, colour: INK, anchor: "middle" } as const;
      const mask = markup`${maskDiagram({ window, meta, T })}${label(name, below)}`;
      return moved(index * (MASK_SIZE.width + 14), 26, mask);
    })
  }`;
  return { body, height: MASK_SIZE.height + 56 };
}

/** A bar and a number for the parameters of each part. */
function partPanel(config: HymbaConfig): { body: Markup; height: number } {
  const parts = partsOf(config), all = parts.reduce((sum, { parameters }) => sum + parameters, 0);
  const most = Math.max(...parts.map(({ parameters }) => parameters));
  const rows = parts.map(({ name, parameters }, index) => {
    const y = 30 + index * ROW, width = Math.max(1, parameters / most * BAR);
    const bar = textBox([NAME, y - 8, width, 16], [], { fill: tinted("#0072b2", 0.55) });
    const figure = `${whole(parameters)}  (${percent(parameters / all)})`;
    return markup`${label(name, { x: NAME - 10, y, anchor: "end" })}${bar}${
      label(figure, { x: NAME + width + 8, y, colour: INK })
    }`;
  });
  return { body: markup`${heading(`Parameters: ${whole(all)}`, 8)}${rows}`, height: 44 + parts.length * ROW };
}

/** A table of cache bytes by kind, for several lengths of text. */
function cachePanel(config: HymbaConfig): { body: Markup; height: number } {
  const columns = ["tokens of text", "global layers", "local layers", "Mamba states", "all"], width = PANEL / 5;
  const rows = LENGTHS.map((T) => {
    const { globalBytes, localBytes } = cacheParts(config, T), { stateBytes, kvBytes } = cacheSize(config, T);
    return [whole(T), bytes(globalBytes), bytes(localBytes), bytes(stateBytes), bytes(kvBytes + stateBytes)];
  });
  const row = (cells: readonly string[], y: number, colour?: string) =>
    cells.map((text, index) => label(text, { x: (index + 0.7) * width, y, anchor: "end", colour }));
  const body = markup`${
    heading("Caches of one sequence (32-bit floats, shared caches once, meta tokens included)", 8)
  }${row(columns, 32)}<rect x="0" y="42" width="${PANEL}" height="1" fill="${GRID}"/>${
    rows.map((cells, index) => row(cells, 58 + index * ROW, INK))
  }`;
  return { body, height: 64 + rows.length * ROW };
}

/** Bytes of keys and values, summed over the global and over the local layers. A shared cache counts once. */
export function cacheParts(config: HymbaConfig, T: number): { globalBytes: number; localBytes: number } {
  const sums = { globalBytes: 0, localBytes: 0 };
  for (const { index, attention, kvOwner, window } of layersOf(config)) {
    if (!attention || kvOwner !== index) continue;
    const slots = config.metaTokens + (window > 0 ? Math.min(T, window) : T);
    sums[window > 0 ? "localBytes" : "globalBytes"] += 4 * slots * config.nKvHeads *
      (config.headDim + config.valueHeadDim);
  }
  return sums;
}

function panels(config: HymbaConfig): { body: Markup; height: number } {
  let y = 0;
  const placed = [maskPanel(config), partPanel(config), cachePanel(config)].map(({ body, height }) => {
    const panel = moved(0, y, body);
    y += height;
    return panel;
  });
  return { body: markup`${placed}`, height: y };
}

function sheetOf(name: string, config: HymbaConfig): SvgSheet {
  const stack = stackSize(config), side = panels(config);
  // One below the other: printed 17 cm wide, the smallest text has six points.
  const width = 2 * MARGIN + Math.max(stack.width, PANEL), height = HEADER + stack.height + side.height + MARGIN;
  const { nLayers, dModel, nHeads, nKvHeads, archType } = config;
  const heads = layersOf(config).some(({ attention }) => attention)
    ? `, ${nHeads} query heads on ${nKvHeads} key–value heads`
    : "";
  const facts = `${archType}: ${nLayers} layers of width ${dModel}${heads}`;
  const body = markup`<rect width="${width}" height="${height}" fill="${PAPER}"/>${
    label(name, { x: MARGIN, y: 28, size: 24, colour: INK })
  }${label(facts, { x: MARGIN, y: 54, size: 13 })}${moved(MARGIN, HEADER, layerStack(config))}${
    moved(MARGIN, HEADER + stack.height, side.body)
  }`;
  return { svg: drawing({ width, height, title: `Architecture of ${name}` }, body).text.trim(), width, height };
}

/** The sheet as SVG. */
export const architectureSvg = (name: string, config: HymbaConfig): string => `${sheetOf(name, config).svg}\n`;

/** The sheet as PNG, drawn with the bundled typeface. */
export const architecturePng = (name: string, config: HymbaConfig): Promise<Uint8Array> => pngOf(sheetOf(name, config));
