/** Several models side by side, on one page or sheet: layers, parameters, caches and masks, each drawn to one scale. */
import { type Arm, cacheSize, type HymbaConfig, type Layer, layersOf } from "../../config/mod.ts";
import { at } from "../../lists.ts";
import { htmlTable, type Markup, markup, page } from "../document/html.ts";
import { drawing, label, textBox } from "../document/svg.ts";
import { bytes, percent, whole } from "../format.ts";
import { FAINT, GRID, INK, PAPER, tinted } from "../palette.ts";
import { attentionName, PARTS } from "./layer_stack.ts";
import { MASK_SIZE, maskDiagram, shownMasks } from "./mask.ts";
import { cacheParts, moved } from "./poster.ts";
import { pngOf, type SvgSheet } from "./raster.ts";
import { groupsOf } from "./sizes.ts";

const WIDTH = 300, GAP = 26, MARGIN = 30, HEADER = 92, ROW = 22, LEFT = 46, BAR = 128, BARS = 92;
/** Tokens of text for which caches are drawn. */
const LENGTHS = [256, 1024, 8192];

/** What is common to all columns, so that they can be compared. */
interface Scales {
  /** Layers of the deepest model. */
  readonly layers: number;
  /** The most parameters of one part of one model. */
  readonly parameters: number;
  /** The most bytes of one model's caches. */
  readonly bytes: number;
}

const cacheBytes = (config: HymbaConfig, T: number): number => {
  const { kvBytes, stateBytes } = cacheSize(config, T);
  return kvBytes + stateBytes;
};

function scalesOf(arms: readonly Arm[]): Scales {
  const most = (of: (config: HymbaConfig) => number) => Math.max(...arms.map(({ config }) => of(config)));
  return {
    layers: most(({ nLayers }) => nLayers),
    parameters: most((config) => Math.max(...groupsOf(config).map(({ parameters }) => parameters))),
    bytes: most((config) => Math.max(...LENGTHS.map((T) => cacheBytes(config, T)))),
  };
}

const heading = (text: string, y: number): Markup => label(text, { x: 0, y, size: 13, colour: INK });

const box = (y: number, text: string): Markup =>
  textBox([LEFT, y, WIDTH - LEFT, ROW - 4], [text], { fill: tinted(PARTS.end, 0.07), stroke: FAINT, size: 10.5 });

/** The boxes of a layer: its branches beside each other. */
function layerRow(layer: Layer, y: number): Markup {
  const attention = { text: attentionName(layer), colour: layer.window > 0 ? PARTS.local : PARTS.global };
  const kinds = [layer.attention && attention, layer.mamba && { text: "Mamba", colour: PARTS.mamba }]
    .filter((kind) => kind !== false);
  const width = (WIDTH - LEFT - 4 * (kinds.length - 1)) / Math.max(1, kinds.length);
  return markup`${label(String(layer.index), { x: LEFT - 6, y: y + (ROW - 4) / 2, size: 10, anchor: "end" })}${
    kinds.map(({ text, colour }, i) =>
      textBox([LEFT + i * (width + 4), y, width, ROW - 4], [text], {
        fill: tinted(colour, 0.3),
        stroke: colour,
        size: 10.5,
      })
    )
  }`;
}

/** Lines from the first to the last layer of each group that shares keys and values. */
function sharing(layers: readonly Layer[], top: number): Markup[] {
  const groups = Map.groupBy(layers.filter(({ attention }) => attention), ({ kvOwner }) => kvOwner);
  return [...groups.values()].filter((group) => group.length > 1).map((group) => {
    const yOf = ({ index }: Layer) => top + index * ROW + (ROW - 4) / 2, x = LEFT - 26;
    return markup`
      <path d="M${x + 6} ${yOf(at(group, 0))} H${x} V${yOf(at(group, -1))} h6" fill="none" stroke="${PARTS.local}"
        stroke-width="2" />
    `;
  });
}

function stack(config: HymbaConfig, top: number): Markup {
  const layers = layersOf(config), { metaTokens, vocabSize } = config, first = top + ROW + 4;
  const shared = sharing(layers, first);
  return markup`${box(top, `embedding of ${whole(vocabSize)}${metaTokens > 0 ? `, ${metaTokens} meta tokens` : ""}`)}${
    layers.map((layer) => layerRow(layer, first + layer.index * ROW))
  }${shared}${box(first + layers.length * ROW + 4, "norm, head")}${
    shared.length > 0 &&
    label("bracket: shared keys and values", { x: LEFT, y: first + (layers.length + 1) * ROW + 14, size: 10 })
  }`;
}

/** Bars with a name before and a number behind each. `most`: the value of the longest bar of all models. */
function bars(
  rows: readonly { name: string; value: number; text: string; colour: string }[],
  { y, most }: { y: number; most: number },
): Markup[] {
  return rows.map(({ name, value, text, colour }, i) => {
    const middle = y + i * 18, width = Math.max(value > 0 ? 1 : 0, value / most * BARS);
    return markup`${label(name, { x: BAR - 6, y: middle, size: 10.5, anchor: "end" })}<rect x="${BAR}" y="${
      middle - 6
    }" width="${width.toFixed(1)}" height="12" fill="${tinted(colour, 0.75)}"/>${
      label(text, { x: BAR + width + 5, y: middle, size: 10.5, colour: INK })
    }`;
  });
}

const COLOURS: Readonly<Record<string, string>> = {
  "attention": PARTS.global,
  "Mamba": PARTS.mamba,
  "embedding, meta": PARTS.meta,
};

const PARTS_HEIGHT = 32 + 6 * 18, CACHES_HEIGHT = 36 + LENGTHS.length * 18, MASK_SCALE = 0.4;

/** The masks of a model, small and beside each other. */
function masks(config: HymbaConfig, top: number): Markup {
  const { windows, T, meta } = shownMasks(config), width = MASK_SIZE.width * MASK_SCALE;
  const text = windows.length > 0 ? `Masks: queries down, keys across` : "No masks: no attention";
  return markup`${heading(text, top)}${
    windows.map((window, i) => {
      const x = i * (width + 4), name = window > 0 ? `window ${window}` : "global";
      return markup`<g transform="translate(${x} ${top + 8}) scale(${MASK_SCALE})">${
        maskDiagram({ window, meta, T }, { labels: false })
      }</g>${
        label(name, { x: x + width / 2, y: top + 14 + MASK_SIZE.height * MASK_SCALE, size: 10.5, anchor: "middle" })
      }`;
    })
  }`;
}

/** The height of every column. */
const heightOf = ({ layers }: Scales): number =>
  54 + (layers + 3) * ROW + 24 + PARTS_HEIGHT + CACHES_HEIGHT + MASK_SIZE.height * MASK_SCALE + 34;

/** One model, from its name down to its masks. */
function column({ name, config }: Arm, scales: Scales): Markup {
  const { nLayers, dModel, nHeads, nKvHeads } = config, groups = groupsOf(config);
  const all = groups.reduce((sum, { parameters }) => sum + parameters, 0);
  const attends = layersOf(config).some(({ attention }) => attention);
  const heads = attends ? `, ${nHeads} heads on ${nKvHeads}` : "";
  const parts = 54 + (scales.layers + 3) * ROW + 24, caches = parts + PARTS_HEIGHT, mask = caches + CACHES_HEIGHT;
  const partRows = groups.map(({ name, parameters }) => ({
    name,
    value: parameters,
    text: `${short(parameters)} (${percent(parameters / all)})`,
    colour: COLOURS[name] ?? PARTS.ffn,
  }));
  const cacheRows = LENGTHS.map((T) => {
    const { localBytes, globalBytes } = cacheParts(config, T), value = cacheBytes(config, T);
    const colour = globalBytes >= localBytes && globalBytes > 0
      ? PARTS.global
      : localBytes > 0
      ? PARTS.local
      : PARTS.mamba;
    return { name: `${whole(T)} tokens`, value, text: bytes(value), colour };
  });
  return markup`${label(name, { x: 0, y: 12, size: 17, colour: INK })}${
    label(`${nLayers} layers of width ${dModel}${heads}`, { x: 0, y: 34, size: 11 })
  }${stack(config, 54)}${heading(`${whole(all)} parameters`, parts)}${
    bars(partRows, { y: parts + 22, most: scales.parameters })
  }${heading("Caches of one sequence, 32-bit", caches)}${bars(cacheRows, { y: caches + 22, most: scales.bytes })}${
    masks(config, mask)
  }`;
}

/** A count with a decimal prefix, three digits. */
const short = (count: number): string =>
  count >= 1e6
    ? `${Number((count / 1e6).toPrecision(3))} M`
    : count >= 1e3
    ? `${Number((count / 1e3).toPrecision(3))} k`
    : String(count);

const LEGEND = [
  ["global attention", PARTS.global],
  ["local attention", PARTS.local],
  ["Mamba", PARTS.mamba],
  ["embedding and meta tokens", PARTS.meta],
  ["all else", PARTS.ffn],
] as const;

const TITLE = "Models side by side";

/** Most columns beside each other on a sheet. */
const COLUMNS = 5;

function sheetOf(arms: readonly Arm[]): SvgSheet {
  const scales = scalesOf(arms), columns = Math.min(COLUMNS, arms.length), rows = Math.ceil(arms.length / columns);
  const tall = heightOf(scales) + GAP, width = 2 * MARGIN + Math.max(2, columns) * (WIDTH + GAP) - GAP;
  const height = HEADER + rows * tall + MARGIN - GAP;
  const keys = LEGEND.map(([name, colour], i) =>
    moved(
      MARGIN + i * 190,
      62,
      markup`<rect x="0" y="-6" width="14" height="12" fill="${tinted(colour, 0.75)}"/>${label(name, { x: 20, y: 0 })}`,
    )
  );
  const body = markup`<rect width="${width}" height="${height}" fill="${PAPER}"/>${
    label(TITLE, { x: MARGIN, y: 28, size: 24, colour: INK })
  }${columns > 2 && keys}${
    arms.map((arm, i) => {
      const x = MARGIN + (i % columns) * (WIDTH + GAP), y = HEADER + Math.floor(i / columns) * tall;
      const line = i % columns > 0 &&
        markup`<rect x="${x - GAP / 2}" y="${y}" width="1" height="${tall - GAP}" fill="${GRID}"/>`;
      return markup`${line}${moved(x, y, column(arm, scales))}`;
    })
  }`;
  const names = arms.map(({ name }) => name).join(", ");
  return { svg: drawing({ width, height, title: `${TITLE}: ${names}` }, body).text.trim(), width, height };
}

/** The sheet as SVG. */
export const overviewSvg = (arms: readonly Arm[]): string => `${sheetOf(arms).svg}\n`;

/** The sheet as PNG. */
export const overviewPng = (arms: readonly Arm[]): Promise<Uint8Array> => pngOf(sheetOf(arms));

/** What a column shows, in one sentence. */
function inWords({ name, config }: Arm): string {
  const layers = layersOf(config), count = (has: (layer: Layer) => boolean) => layers.filter(has).length;
  const global = count(({ attention, window }) => attention && window === 0);
  const local = count(({ attention, window }) => attention && window > 0), mamba = count((layer) => layer.mamba);
  const all = groupsOf(config).reduce((sum, { parameters }) => sum + parameters, 0);
  return `${name}: ${layers.length} layers, ${global} with global and ${local} with local attention, ${mamba} with Mamba; ${
    whole(all)
  } parameters; caches of ${bytes(cacheBytes(config, at(LENGTHS, -1)))} after ${whole(at(LENGTHS, -1))} tokens`;
}

const tableOf = (
  arms: readonly Arm[],
  rows: readonly (readonly string[])[],
  { of, title }: { of: string; title: string },
): Markup => htmlTable([{ name: of, align: "left" }, ...arms.map(({ name }) => ({ name }))], rows, title);

/** Several models as one self-contained HTML page: a column for each, and the numbers as tables. */
export function overviewDocument(arms: readonly Arm[]): string {
  const scales = scalesOf(arms), size = { width: WIDTH, height: heightOf(scales) };
  const columns = arms.map((arm) =>
    markup`<figure>${drawing({ ...size, title: inWords(arm) }, column(arm, scales))}</figure>`
  );
  const keys = LEGEND.map(([name, colour]) =>
    markup`<li><svg width="14" height="12" aria-hidden="true"><rect width="14" height="12" fill="${
      tinted(colour, 0.75)
    }"/></svg> ${name}</li>`
  );
  const names = groupsOf(at(arms, 0).config).map(({ name }) => name);
  const parts = names.map((name, i) => [name, ...arms.map(({ config }) => whole(at(groupsOf(config), i).parameters))]);
  const caches = LENGTHS.map((T) => [`${whole(T)} tokens`, ...arms.map(({ config }) => bytes(cacheBytes(config, T)))]);
  const body = markup`<ul class="keys">${keys}</ul><div class="columns">${columns}</div>
<h2>Parameters</h2>${tableOf(arms, parts, { of: "part", title: "Parameters" })}
<h2>Caches for generation</h2><p>Bytes of keys, values and Mamba states for one sequence in 32-bit floats, meta tokens included.</p>${
    tableOf(arms, caches, { of: "text", title: "Caches for generation" })
  }`;
  const style = markup`
.columns{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,${WIDTH}px),1fr));gap:1.5rem}.columns figure{margin:0}
.columns svg{width:100%;padding:8px}.keys{display:flex;flex-wrap:wrap;gap:.3rem 1.4rem;list-style:none;padding:0}`;
  const lead = `Bars of all models have one scale. hymba architecture --model NAME draws one model in detail.`;
  return page(TITLE, { lead, body, style });
}
