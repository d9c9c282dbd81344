/** The states of a layer's Mamba branch while it reads a text. */
import { useMemo, useState } from "preact/hooks";
import { layersOf } from "../config/layers.ts";
import { HymbaConfig } from "../config/model.ts";
import { at } from "../lists.ts";
import { significant } from "../report/format.ts";
import type { Bench, Chosen } from "./chosen.tsx";
import type { StatesView } from "./engine/messages.ts";
import { HeatMap } from "./heat_map.tsx";
import { Inspector, type Shown } from "./inspector.tsx";
import { named } from "./token_text.tsx";

/** The layers of a model that have a scan with a state. */
function stateLayers({ arm }: Chosen): readonly (readonly [value: string, words: string])[] {
  const config = new HymbaConfig(arm.config);
  if (config.state !== "on") return [];
  return layersOf(config).filter(({ mamba }) => mamba).map(({ index }) => [String(index), String(index)]);
}

/** The root mean square of each channel's state after each token, [channels, tokens]. */
function sizesOf({ states, channels, size, labels }: StatesView): Float32Array {
  const tokens = labels.length, sizes = new Float32Array(channels * tokens);
  for (let t = 0; t < tokens; t++) {
    for (let channel = 0; channel < channels; channel++) {
      const start = (t * channels + channel) * size, own = states.subarray(start, start + size);
      sizes[channel * tokens + t] = Math.sqrt(own.reduce((sum, x) => sum + x * x, 0) / size);
    }
  }
  return sizes;
}

const largest = (values: Float32Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;

function Maps({ shown }: { shown: Shown<StatesView> }) {
  const [token, setToken] = useState(0);
  return (
    <>
      <Sizes shown={shown} onToken={setToken} />
      <OneState shown={shown} token={Math.min(token, shown.view.labels.length - 1)} />
    </>
  );
}

function Sizes({ shown: { model, layer, view }, onToken }: { shown: Shown<StatesView>; onToken(token: number): void }) {
  const { labels, channels, size } = view, tokens = labels.length, sizes = useMemo(() => sizesOf(view), [view]);
  const most = useMemo(() => largest(sizes), [sizes]);
  const sizeAt = (channel: number, token: number) => at(sizes, channel * tokens + token);
  return (
    <>
      <h2>{model}, layer {layer}: size of each channel's state behind each token</h2>
      <p class="faint">
        Rows are channels, columns are tokens. Bright is large: the root mean square over the {size}{" "}
        numbers of a state, at most {significant(most)}.
      </p>
      <HeatMap
        label={`Sizes of states of ${model}, layer ${layer}`}
        drawnFor={[view]}
        rows={channels}
        columns={tokens}
        share={(channel, token) => Math.sqrt(sizeAt(channel, token) / most)}
        about={(channel, token) =>
          `Channel ${channel} after token ${token}, ${named(at(labels, token))}: ${
            significant(sizeAt(channel, token))
          }`}
        onChoose={(_, token) => onToken(token)}
      />
    </>
  );
}

function OneState({ shown: { model, layer, view }, token }: { shown: Shown<StatesView>; token: number }) {
  const { labels, channels, size, states } = view, most = useMemo(() => largest(states), [states]);
  const stateAt = (n: number, channel: number) => at(states, (token * channels + channel) * size + n);
  const share = (n: number, channel: number) => {
    const value = stateAt(n, channel);
    return 0.5 + Math.sign(value) * Math.sqrt(Math.abs(value) / most) / 2;
  };
  return (
    <>
      <h2>The state after token {token}, {named(at(labels, token))}</h2>
      <p class="faint">
        Rows are the {size} numbers of a state, columns are channels. Dark is negative, bright is positive, at most{" "}
        {significant(most)} in size. The token is that of the cell above.
      </p>
      <HeatMap
        label={`State of ${model}, layer ${layer}, after token ${token}`}
        drawnFor={[view, token]}
        rows={size}
        columns={channels}
        share={share}
        about={(n, channel) => `Number ${n} of channel ${channel}: ${significant(stateAt(n, channel))}`}
      />
    </>
  );
}

export const States = ({ bench, first }: { bench: Bench; first: string }) => (
  <Inspector
    bench={bench}
    first={first}
    layersOf={stateLayers}
    none="None of the chosen models has Mamba states."
    look={(engines, asked) => engines.ask("states", asked)}
    show={(shown) => <Maps shown={shown} />}
  />
);
