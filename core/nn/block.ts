/** One layer's mixer: attention, Mamba, or both side by side on one fused projection. */
import type { HymbaConfig, Layer } from "../config/mod.ts";
import { attention } from "../ops/attention.ts";
import { fusion } from "../ops/fusion.ts";
import { linear } from "../ops/linear.ts";
import { rotary } from "../ops/rotary.ts";
import { projectionParts } from "../params/specs.ts";
import { sliceColumns, type Tape, type Tensor } from "../tensor/mod.ts";
import { mambaBranch, type Parameters } from "./mamba.ts";

/** Keys (after rotary) and values that a layer attends to; consumers take those of their owner. */
export interface KeysAndValues {
  readonly k: Tensor;
  readonly v: Tensor;
}

/** What the attention of a layer worked with; the attention maps are drawn from it. */
export interface AttentionTrace extends KeysAndValues {
  readonly q: Tensor;
  readonly lse: Tensor;
}

interface BlockContext {
  config: HymbaConfig;
  layer: Layer;
  parameters: Parameters;
  rotaryTable: Tensor | undefined;
  shared: KeysAndValues | undefined;
}

/** Shapes: h [B, T, D] (normalised); returns the layer's addition to the residual stream [B, T, D]. */
export function mixer(tape: Tape, h: Tensor, context: BlockContext): { y: Tensor; trace?: AttentionTrace } {
  const { config, layer, parameters } = context;
  const projected = linear(tape, { x: h, w: parameters("in_proj") });
  const { q, k, v, x } = projectionParts(config, layer);
  const attended = layer.attention ? attentionBranch(tape, projected, context) : undefined;
  const scanned = layer.mamba
    ? mambaBranch(
      tape,
      {
        x: sliceColumns(projected, q + k + v, [config.innerDim]),
        z: sliceColumns(projected, q + k + v + x, [config.innerDim]),
      },
      { config, parameters },
    )
    : undefined;
  const weights = { wa: "fusion.attention", wm: "fusion.mamba" };
  const joined = attended && scanned
    ? fusion(tape, { a: attended.o, m: scanned, wa: parameters(weights.wa), wm: parameters(weights.wm) }, {
      eps: config.normEps,
    })
    : (attended?.o ?? scanned)!;
  return { y: linear(tape, { x: joined, w: parameters("out_proj") }, { name: "mixed" }), trace: attended };
}

function attentionBranch(tape: Tape, projected: Tensor, { config, layer, rotaryTable, shared }: BlockContext) {
  const { nHeads: H, nKvHeads: G, headDim: K, valueHeadDim: Kv, metaTokens } = config;
  const table = rotaryTable!;
  if (layer.kvOwner !== layer.index) {
    const q = rotary(tape, { x: sliceColumns(projected, 0, [H, K]), table });
    const { k, v } = shared!;
    return { q, k, v, ...attention(tape, { q, k, v }, { window: layer.window, meta: metaTokens }) };
  }
  const qk = rotary(tape, { x: sliceColumns(projected, 0, [H + G, K]), table });
  const q = sliceColumns(qk, 0, [H, K]),
    k = sliceColumns(qk, H * K, [G, K]),
    v = sliceColumns(projected, (H + G) * K, [G, Kv]);
  return { q, k, v, ...attention(tape, { q, k, v }, { window: layer.window, meta: metaTokens }) };
}
