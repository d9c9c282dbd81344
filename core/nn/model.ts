/** The model: embedding and meta tokens, pre-norm layers, final norm. One code for all five architectures. */
import { type Layer, layersOf } from "../config/mod.ts";
import { embedding } from "../ops/embedding.ts";
import { linear } from "../ops/linear.ts";
import { linearLogp } from "../ops/linear_logp.ts";
import { rmsnorm } from "../ops/rmsnorm.ts";
import { rotaryTable } from "../ops/rotary.ts";
import { swiglu } from "../ops/swiglu.ts";
import { textRows } from "../ops/text_rows.ts";
import type { ParameterStore } from "../params/store.ts";
import type { Tape, Tensor } from "../tensor/mod.ts";
import { type AttentionTrace, mixer } from "./block.ts";

export interface ForwardOptions {
  /** Local layers see their future through the documented study's crop. Only `core/proof/leak_experiment.ts` may ask for it. */
  readonly reproduceLeak?: boolean;
}

export interface Forward {
  /** [B, T, D], after the final norm, meta tokens cut off. */
  readonly hidden: Tensor;
  /** By layer; undefined where a layer has no attention. */
  readonly traces: readonly (AttentionTrace | undefined)[];
}

/** Layers in runs that begin at an owner of keys and values, so that these are not read outside of their run. */
function sharingRuns(layers: readonly Layer[]): Layer[][] {
  const runs: Layer[][] = [];
  for (const layer of layers) {
    if (layer.kvOwner === layer.index) runs.push([layer]);
    else runs.at(-1)!.push(layer);
  }
  return runs;
}

/**
 * Records the forward pass. Each layer is x += mixer(norm1 x), then x += down(silu(gate n) · up n) with n = norm2 x; the sums
 * are taken by the norm that follows. Shapes: ids [B, T] u32; see {@link Forward}.
 */
export function forward(
  tape: Tape,
  ids: Tensor,
  store: ParameterStore,
  { reproduceLeak = false }: ForwardOptions = {},
): Forward {
  const config = store.config, { normEps: eps, metaTokens: M } = config;
  const positions = M + ids.shape[1]!;
  const layers = layersOf(config), crop = reproduceLeak ? Math.max(0, ids.shape[1]! - config.swaWindow) : 0;
  const table = layers.some(({ attention }) => attention)
    ? tape.constant(
      "rotary table",
      [positions, 2, config.headDim / 2],
      rotaryTable(positions, config.headDim, { base: config.ropeBase }),
    )
    : undefined;
  let x = embedding(tape, { ids, table: store.tensor("embedding"), meta: M > 0 ? store.tensor("meta") : undefined });
  let delta: Tensor | undefined;
  const traces: (AttentionTrace | undefined)[] = [];
  const record = (layer: Layer) => {
    const parameters = (name: string) => store.tensor(`layers.${layer.index}.${name}`);
    const first = rmsnorm(tape, { x, delta, w: parameters("norm1") }, { eps });
    const shared = traces[layer.kvOwner];
    const mixed = mixer(tape, first.y, { config, layer, parameters, rotaryTable: table, shared, crop });
    traces.push(mixed.trace);
    const second = rmsnorm(tape, { x: first.sum, delta: mixed.y, w: parameters("norm2") }, { eps });
    const gated = swiglu(tape, linear(tape, { x: second.y, w: parameters("ffn.gate_up") }, { name: "gate and up" }));
    x = second.sum;
    delta = linear(tape, { x: gated, w: parameters("ffn.down") }, { name: "fed forward" });
  };
  for (const group of sharingRuns(layers)) {
    tape.recomputed(() => {
      for (const layer of group) tape.within(`layers.${layer.index}`, () => record(layer));
    });
  }
  const { y } = rmsnorm(tape, { x, delta, w: store.tensor("final_norm") }, { eps });
  return { hidden: textRows(tape, y, { M }), traces };
}

/** Log-probability of each target, [B, T]. Shapes: ids, targets [B, T] u32. */
export function targetLogp(
  tape: Tape,
  store: ParameterStore,
  { ids, targets, ...options }: ForwardOptions & { ids: Tensor; targets: Tensor },
): Tensor {
  const { hidden } = forward(tape, ids, store, options);
  return linearLogp(tape, { x: hidden, w: store.tensor("embedding"), targets }).logp;
}
