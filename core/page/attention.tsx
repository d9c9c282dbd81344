/** Where a layer of a model attends. */
import { useState } from "preact/hooks";
import { layersOf } from "../config/layers.ts";
import { HymbaConfig } from "../config/model.ts";
import { at } from "../lists.ts";
import { causalMask } from "../proof/visibility.ts";
import { significant } from "../report/format.ts";
import type { Bench, Chosen } from "./chosen.tsx";
import type { AttentionView } from "./engine/messages.ts";
import { Select } from "./fields.tsx";
import { HeatMap } from "./heat_map.tsx";
import { Inspector, type Shown } from "./inspector.tsx";
import { named } from "./token_text.tsx";

/** The layers of a model that have attention, with their words. */
function attentionLayers({ arm }: Chosen): readonly (readonly [value: string, words: string])[] {
  return layersOf(new HymbaConfig(arm.config)).filter(({ attention }) => attention)
    .map(({ index, window }) => [String(index), `${index}, ${window === 0 ? "full" : `window ${window}`}`]);
}

/** Colours are logarithmic; this probability and less has the first one. */
const LEAST = 1e-4;

/** The probabilities of one head, or their mean over all heads. */
function probabilityOf({ probabilities, heads, labels }: AttentionView, head: string) {
  const size = labels.length,
    of = (h: number, row: number, column: number) => at(probabilities, (h * size + row) * size + column);
  if (head !== "mean") return (row: number, column: number) => of(Number(head), row, column);
  return (row: number, column: number) => {
    let sum = 0;
    for (let h = 0; h < heads; h++) sum += of(h, row, column);
    return sum / heads;
  };
}

function Map({ shown: { model, layer, view }, head }: { shown: Shown<AttentionView>; head: string }) {
  const of = probabilityOf(view, head), { labels, meta } = view, size = labels.length;
  const name = (index: number) => index < meta ? at(labels, index) : named(at(labels, index));
  const { sees } = causalMask({ window: view.window, M: meta, T: size - meta });
  const share = (row: number, column: number) =>
    sees(row, column) ? 1 - Math.log(Math.max(LEAST, of(row, column))) / Math.log(LEAST) : undefined;
  const about = (row: number, column: number) =>
    `Query ${row}, ${name(row)} → key ${column}, ${name(column)}: ${
      sees(row, column) ? significant(of(row, column)) : "not visible"
    }`;
  return (
    <>
      <h2>{model}, layer {layer}, {head === "mean" ? "mean of all heads" : `head ${head}`}</h2>
      <p class="faint">
        Rows are queries, columns are keys.{" "}
        {meta > 0 ? `The lines separate the ${meta} meta tokens from the text. ` : "This model has no meta tokens. "}
        Grey cells are not visible to the query. Colours are logarithmic, from {LEAST} (dark) to 1 (bright).
      </p>
      <HeatMap
        label={`Attention of ${model}, layer ${layer}`}
        rows={size}
        columns={size}
        drawnFor={[view, head]}
        share={share}
        about={about}
        border={{ row: meta, column: meta }}
      />
    </>
  );
}

export function Attention({ bench, first }: { bench: Bench; first: string }) {
  const [head, setHead] = useState("mean");
  const headsOf = ({ arm }: Chosen) => Array.from({ length: new HymbaConfig(arm.config).nHeads }, (_, h) => String(h));
  return (
    <Inspector
      bench={bench}
      first={first}
      layersOf={attentionLayers}
      none="None of the chosen models has attention."
      fields={(model) => (
        <Select
          label="head"
          value={headsOf(model).includes(head) ? head : "mean"}
          options={[["mean", "mean of all"], ...headsOf(model).map((h) => [h, h] as const)]}
          onChoose={setHead}
        />
      )}
      look={(engines, asked) => engines.ask("attention", asked)}
      show={(shown) => <Map shown={shown} head={Number(head) < shown.view.heads ? head : "mean"} />}
    />
  );
}
