/**
 * This folder: the layers and the five models, recorded with ops.
 * The model: embedding and meta tokens, pre-norm layers, final norm. One code for all five architectures.
 */
import { type Layer, layersOf } from "../config/mod.ts";
import { at } from "../lists.ts";
import { embedding } from "../ops/embedding.ts";
import { linear } from "../ops/linear.ts";
import { linearLogp } from "../ops/linear_logp.ts";
import { rmsnorm } from "../ops/rmsnorm.ts";
import { longRotaryTable, rotaryTable } from "../ops/rotary.ts";
import { swiglu } from "../ops/swiglu.ts";
import { textRows } from "../ops/text_rows.ts";
import type { ParameterStore } from "../params/store.ts";
import type { Tape, Tensor } from "../tensor/mod.ts";
import { mixer } from "./block.ts";
import { type AttentionTrace, type Interventions, type Mixing, WholeSequences } from "./mixing.ts";

export interface ForwardOptions {
  /** Local layers see their future through the documented study's crop. Only `core/proof/leak_experiment.ts` may ask for it. */
  readonly reproduceLeak?: boolean;
  /** Changes inside the layers. Only `core/eval/lesion.ts` asks for any. */
  readonly interventions?: Interventions;
}

export interface Forward {
  /** [B, T, D], after the final norm, meta tokens cut off. */
  readonly hidden: Tensor;
  /** By layer; undefined for a layer without attention. */
  readonly traces: readonly (AttentionTrace | undefined)[];
}

/** Groups of neighbouring layers that share keys and values. The owner is first. */
function sharingRuns(layers: readonly Layer[]): Layer[][] {
  const runs: Layer[][] = [];
  for (const layer of layers) {
    const run = runs.at(-1);
    if (run && layer.kvOwner !== layer.index) run.push(layer);
    else runs.push([layer]);
  }
  return runs;
}

/** The parts of a recording that differ between whole sequences and decoding one position at a time. */
export interface Recording {
  /** Most positions of a sequence, meta tokens included. */
  readonly positions: number;
  readonly mixing: Mixing;
  /** Returns [B, T, D]. Shapes: table [V, D]; meta [M, D], absent without meta tokens. */
  embed(parameters: { table: Tensor; meta?: Tensor }): Tensor;
}

/** The table of rotary angles, as `LayerContext.rotaryTable` says. */
function anglesOf(
  tape: Tape,
  { config: { headDim: K, ropeBase: base } }: ParameterStore,
  { positions, mixing }: Pick<Recording, "positions" | "mixing">,
): Tensor {
  const table = (mixing.position ? longRotaryTable : rotaryTable)(positions, K, { base });
  return tape.constant("rotary table", [table.length / K, 2, K / 2], table);
}

/**
 * Records the layers. Each is x += mixer(norm1 x), then x += down(silu(gate n) · up n) with n = norm2 x; the sums are taken
 * by the norm that follows. Returns [B, T, D], after the final norm.
 */
export function recordLayers(tape: Tape, store: ParameterStore, { positions, mixing, embed }: Recording): Tensor {
  const config = store.config, { normEps: eps } = config, layers = layersOf(config);
  const angles = layers.some(({ attention }) => attention) ? anglesOf(tape, store, { positions, mixing }) : undefined;
  let x = embed({ table: store.tensor("embedding"), meta: config.metaTokens > 0 ? store.tensor("meta") : undefined });
  let delta: Tensor | undefined;
  const record = (layer: Layer) => {
    const parameters = (name: string) => store.tensor(`layers.${layer.index}.${name}`);
    const first = rmsnorm(tape, { x, delta, w: parameters("norm1") }, { eps });
    const mixed = mixer(tape, first.y, { config, layer, parameters, rotaryTable: angles, mixing });
    const second = rmsnorm(tape, { x: first.sum, delta: mixed, w: parameters("norm2") }, { eps });
    const gated = swiglu(tape, linear(tape, { x: second.y, w: parameters("ffn.gate_up") }, { name: "gate and up" }));
    x = second.sum;
    delta = linear(tape, { x: gated, w: parameters("ffn.down") }, { name: "fed forward" });
  };
  for (const group of sharingRuns(layers)) {
    tape.recomputed(() => {
      for (const layer of group) tape.within(`layers.${layer.index}`, () => record(layer));
    });
  }
  return rmsnorm(tape, { x, delta, w: store.tensor("final_norm") }, { eps }).y;
}

/** Records the forward pass over whole sequences. Shapes: ids [B, T] u32; see {@link Forward}. */
export function forward(
  tape: Tape,
  ids: Tensor,
  store: ParameterStore,
  { reproduceLeak = false, interventions }: ForwardOptions = {},
): Forward {
  const { config } = store, { metaTokens: M } = config, T = at(ids.shape, 1);
  const crop = reproduceLeak ? Math.max(0, T - config.swaWindow) : 0;
  const mixing = new WholeSequences(tape, config, crop, interventions);
  const embed = (parameters: { table: Tensor; meta?: Tensor }) => embedding(tape, { ids, ...parameters });
  const hidden = recordLayers(tape, store, { positions: M + T, mixing, embed });
  return { hidden: textRows(tape, hidden, { M }), traces: mixing.traces };
}

/** Logits [B, T, V] of whole sequences. Shapes: ids [B, T] u32. */
export function logitsOf(tape: Tape, ids: Tensor, store: ParameterStore, options: ForwardOptions = {}): Tensor {
  const { hidden } = forward(tape, ids, store, options);
  return linear(tape, { x: hidden, w: store.tensor("embedding") }, { name: "logits" });
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
