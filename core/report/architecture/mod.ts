/** A page about the architecture of one configuration. Everything on it is derived from the configuration. */
import { type HymbaConfig, type Layer, layersOf } from "../../config/mod.ts";
import { at } from "../../lists.ts";
import { htmlTable, type Markup, markup, page } from "../document/html.ts";
import { capitalised } from "../format.ts";
import { blockDiagram } from "./block.ts";
import { attentionName, layerStack } from "./layer_stack.ts";
import { maskDiagram, shownMasks } from "./mask.ts";
import { cacheRows, partRows } from "./sizes.ts";

/** The layers of a model, grouped by their parts. */
function kindsOf(config: HymbaConfig): Map<string, Layer[]> {
  return Map.groupBy(layersOf(config), (layer) => {
    const attention = layer.attention && `attention (${attentionName(layer)})`;
    const shared = layer.attention && layer.kvOwner !== layer.index && "with another layer's keys and values";
    return [[attention, layer.mamba && "Mamba"].filter(Boolean).join(" and "), shared].filter(Boolean).join(", ");
  });
}

/** The number of a layer, and of the layer whose keys and values it uses if they are not its own. */
const layerText = ({ index, attention, kvOwner }: Layer) =>
  attention && kvOwner !== index ? `${index} (keys and values of ${kvOwner})` : String(index);

function kindSection([name, layers]: [string, Layer[]], config: HymbaConfig): Markup {
  return markup`
    <h3>${capitalised(name)}</h3>
    <p>Layers ${layers.map(layerText).join(", ")}.</p>
    <figure>${blockDiagram(config, at(layers, 0))}</figure>
  `;
}

function maskSection(config: HymbaConfig): Markup | false {
  const { windows, T, meta } = shownMasks(config);
  if (windows.length === 0) return false;
  return markup`
    <h2>Masks</h2>
    <p>A query never sees a later key. In a local layer it sees the last ${config.swaWindow} positions, its own included, and the meta tokens. Blue cells are visible; ${T} tokens of text are shown.</p>
    <div class="two">${
    windows.map((window) =>
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
 * The architecture of a model as one self-contained HTML page: all layers, each kind of layer in detail, the masks, the
 * parameters of each part, cache bytes, and the configuration.
 */
export function architectureDocument(config: HymbaConfig): string {
  const { archType, dModel, nLayers, nHeads, nKvHeads, swaWindow } = config;
  const lead = `${nLayers} layers of width ${dModel}, ${nHeads} query heads on ${nKvHeads} key–value heads. ` +
    "Every drawing and number follows from the configuration at the end.";
  const body = markup`<h2>Layers</h2><figure>${layerStack(config)}</figure>
<h2>Inside a layer</h2>${[...kindsOf(config)].map((kind) => kindSection(kind, config))}
${maskSection(config)}
<h2>Parameters</h2>${
    htmlTable(
      [{ name: "part", align: "left" }, { name: "parameters" }, { name: "share" }],
      partRows(config),
      "Parameters",
    )
  }
<h2>Caches for generation</h2><p>Bytes for one sequence in 32-bit floats, meta tokens included. The reduction in layers is the
number of layers divided by the number of distinct caches. The reduction in bytes divides the cache of full attention in every
layer, without meta tokens, by this cache.</p>${
    htmlTable(
      CACHE_COLUMNS,
      cacheRows(config, [swaWindow, 2 * swaWindow, 1024, 8192].toSorted((a, b) => a - b)),
      "Caches for generation",
    )
  }
<h2>Configuration</h2>${
    htmlTable([{ name: "field", align: "left" }, { name: "value", align: "left" }], optionRows(config), "Configuration")
  }`;
  return page(`Architecture: ${archType}`, { lead, body });
}
