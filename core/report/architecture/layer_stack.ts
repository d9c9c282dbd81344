/** A diagram of all layers of a configuration: the branches of each layer, and the layers that share keys and values. */
import { type HymbaConfig, type Layer, layersOf } from "../../config/mod.ts";
import { at } from "../../lists.ts";
import { whole } from "../format.ts";
import { FAINT, INK, tinted } from "../palette.ts";
import { type Markup, markup } from "../document/html.ts";
import { arrow, drawing, label, textBox } from "../document/svg.ts";

/** The colours of the parts. Every drawing of the document uses them. */
export const PARTS = {
  global: "#0072b2",
  local: "#56b4e9",
  mamba: "#e69f00",
  ffn: "#8a8f98",
  meta: "#d55e00",
  end: "#1f2328",
};

const ROW = 36, GAP = 8, LEFT = 150, MIX = 400, FFN = 120, INNER = 6;

/** The name of a layer's kind of attention. */
export const attentionName = ({ window }: Layer): string => window > 0 ? `local, window ${window}` : "global";

function mixerBoxes(layer: Layer, y: number): Markup[] {
  const kinds = [
    layer.attention &&
    { text: `attention ${attentionName(layer)}`, colour: layer.window > 0 ? PARTS.local : PARTS.global },
    layer.mamba && { text: "Mamba", colour: PARTS.mamba },
  ].filter((kind) => kind !== false);
  const width = (MIX - (kinds.length - 1) * INNER) / kinds.length;
  return kinds.map(({ text, colour }, index) =>
    textBox([LEFT + index * (width + INNER), y, width, ROW - GAP], [text], {
      fill: tinted(colour, 0.22),
      stroke: colour,
      size: 12,
    })
  );
}

/** Brackets from the first to the last layer of each group that shares keys and values. */
function sharingBrackets(layers: readonly Layer[], top: number): Markup[] {
  const groups = Map.groupBy(layers.filter(({ attention }) => attention), ({ kvOwner }) => kvOwner);
  return [...groups.values()].filter((group) => group.length > 1).map((group) => {
    const yOf = ({ index }: Layer) => top + index * ROW + (ROW - GAP) / 2, x = LEFT - 44;
    const first = yOf(at(group, 0)), last = yOf(at(group, -1));
    return markup`
      <path d="M${LEFT - 34} ${first} H${x} V${last} H${LEFT - 34}" fill="none" stroke="${PARTS.local}"
        stroke-width="2" />${label("shared K, V", { x: x - 6, y: (first + last) / 2, size: 11, anchor: "end" })}
    `;
  });
}

function row(layer: Layer, y: number): Markup {
  const middle = y + (ROW - GAP) / 2;
  return markup`${label(String(layer.index), { x: LEFT - 12, y: middle, colour: INK, anchor: "end" })}${
    mixerBoxes(layer, y)
  }${
    textBox([LEFT + MIX + INNER, y, FFN, ROW - GAP], ["SwiGLU"], {
      fill: tinted(PARTS.ffn, 0.15),
      stroke: PARTS.ffn,
      size: 12,
    })
  }`;
}

/** The size of the drawing of all layers. */
export const stackSize = ({ nLayers }: HymbaConfig): { width: number; height: number } => ({
  width: LEFT + MIX + INNER + FFN + 30,
  height: 74 + nLayers * ROW + 70,
});

/** Draws all layers from the embedding down to the output head. */
export function layerStack(config: HymbaConfig): Markup {
  const layers = layersOf(config), { vocabSize, dModel, ffnHidden, metaTokens } = config;
  const top = 74, { width, height } = stackSize(config);
  const all = MIX + INNER + FFN, end = top + layers.length * ROW;
  const input = metaTokens > 0 ? `${metaTokens} learned meta tokens, then text` : "text";
  const box = (y: number, text: string) =>
    textBox([LEFT, y, all, ROW - GAP], [text], { fill: tinted(PARTS.end, 0.07), stroke: FAINT, size: 12.5 });
  return drawing(
    { width, height, title: `${layers.length} layers of ${config.archType}` },
    markup`${box(14, `embedding ${whole(vocabSize)} × ${dModel}: ${input}`)}${
      label(`mixer (norm before, residual around)`, { x: LEFT + MIX / 2, y: top - 12, size: 11, anchor: "middle" })
    }${label(`F = ${ffnHidden}`, { x: LEFT + MIX + INNER + FFN / 2, y: top - 12, size: 11, anchor: "middle" })}${
      layers.map((layer) => row(layer, top + layer.index * ROW))
    }${sharingBrackets(layers, top)}${
      box(
        end + 10,
        metaTokens > 0
          ? "meta tokens removed, final norm, head (tied to the embedding)"
          : "final norm, head (tied to the embedding)",
      )
    }${arrow([[LEFT + all / 2, end + 38], [LEFT + all / 2, end + 58]])}`,
  );
}
