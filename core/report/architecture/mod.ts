/** The architecture of one configuration as a page: everything in it is derived from the configuration. */
import { type HymbaConfig, type Layer, layersOf } from "../../config/mod.ts";
import { htmlTable, type Markup, markup, page } from "../document/html.ts";
import { blockDiagram } from "./block.ts";
import { attentionName, layerStack } from "./layer_stack.ts";
import { maskDiagram } from "./mask.ts";
import { cacheRows, partRows } from "./sizes.ts";

/** The kinds of layers that a model has, with the layers of each. */
function kindsOf(config: HymbaConfig): Map<string, Layer[]> {
  return Map.groupBy(layersOf(config), (layer) => {
    const attention = layer.attention && `attention (${attentionName(layer)})`;
    const shared = layer.attention && layer.kvOwner !== layer.index && "with another layer's keys and values";
    return [[attention, layer.mamba && "Mamba"].filter(Boolean).join(" and "), shared].filter(Boolean).join(", ");
  });
}

/** A layer, with the one whose keys and values it takes when they are not its own. */
const named = ({ index, attention, kvOwner }: Layer) =>
  attention && kvOwner !== index ? `${index} (keys and values of ${kvOwner})` : String(index);

function kindSection([name, layers]: [string, Layer[]], config: HymbaConfig): Markup {
  const title = `${name[0]!.toUpperCase()}${name.slice(1)}`;
  return markup`
    <h3>${title}</h3>
    <p>Layers ${layers.map(named).join(", ")}.</p>
    <figure>${blockDiagram(config, layers[0]!)}</figure>
  `;
}

function maskSection(config: HymbaConfig): Markup | false {
  const windows = [...new Set(layersOf(config).filter(({ attention }) => attention).map(({ window }) => window))];
  if (windows.length === 0) return false;
  const T = Math.max(2 * config.swaWindow, 16), meta = config.metaTokens;
  return markup`
    <h2>Masks</h2>
    <p>A query sees a key that is not after it and, in local layers, either among the last ${config.swaWindow} positions (its own included) or a meta token. Blue cells are visible; ${T} tokens of text are shown.</p>
    <div class="two">${
    windows.toSorted((a, b) => a - b).map((window) =>
      markup`<figure>${maskDiagram({ window, meta, T })}<figcaption>${
        window > 0 ? `Local layers, window ${window}` : "Global layers"
      }</figcaption></figure>`
    )
  }</div>
  `;
}

function optionRows(config: HymbaConfig): string[][] {
  return Object.entries(config).filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, typeof value === "object" ? JSON.stringify(value) : String(value)]);
}

const CACHE_COLUMNS = [
  { name: "text tokens" },
  { name: "keys and values" },
  { name: "Mamba state" },
  { name: "reduction", unit: "layers / caches" },
  { name: "reduction", unit: "bytes" },
];

/**
 * The architecture of a model as one self-contained HTML page: the stack of layers, each kind of layer in detail, masks with
 * the meta tokens, parameters by part, cache bytes, and the configuration itself.
 */
export function architectureDocument(config: HymbaConfig): string {
  const { archType, dModel, nLayers, nHeads, nKvHeads, swaWindow } = config;
  const lead = `${nLayers} layers of width ${dModel}, ${nHeads} query heads on ${nKvHeads} key–value heads. ` +
    "Every drawing and number follows from the configuration at the end.";
  const body = markup`<h2>Layers</h2><figure>${layerStack(config)}</figure>
<h2>Inside a layer</h2>${[...kindsOf(config)].map((kind) => kindSection(kind, config))}
${maskSection(config)}
<h2>Parameters</h2>${
    htmlTable([{ name: "part", align: "left" }, { name: "parameters" }, { name: "share" }], partRows(config))
  }
<h2>Caches for generation</h2><p>Bytes for one sequence in 32-bit floats, meta tokens included. The reduction in layers is the
number of layers over the number of distinct caches; in bytes it is the cache of full attention in every layer, without meta
tokens, over this one.</p>${
    htmlTable(CACHE_COLUMNS, cacheRows(config, [swaWindow, 2 * swaWindow, 1024, 8192].toSorted((a, b) => a - b)))
  }
<h2>Configuration</h2>${
    htmlTable([{ name: "field", align: "left" }, { name: "value", align: "left" }], optionRows(config))
  }`;
  return page(`Architecture: ${archType}`, { lead, body });
}
