/** One layer's mixer: attention, Mamba, or both side by side on one fused projection. */
import type { HymbaConfig, Layer } from "../config/mod.ts";
import { attention } from "../ops/attention.ts";
import { rotary } from "../ops/rotary.ts";
import { sliceColumns, type Tape, type Tensor } from "../tensor/mod.ts";
import { joined } from "./join.ts";
import { mambaBranch, type Parameters } from "./mamba.ts";
import { leaveBranch, projectInputs, projectOutput } from "./projections.ts";

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
  /** Text positions that local attention cuts off its keys: 0 but in the leak experiment. */
  crop?: number;
}

/** Shapes: h [B, T, D] (normalised); returns the layer's addition to the residual stream [B, T, D]. */
export function mixer(tape: Tape, h: Tensor, context: BlockContext): { y: Tensor; trace?: AttentionTrace } {
  const { config, layer, parameters } = context;
  const { heads, mamba } = projectInputs(tape, h, context);
  let trace: AttentionTrace | undefined;
  const branches = joined(tape, {
    config,
    layer,
    parameters,
    positions: [h.shape[0]!, h.shape[1]!],
    attend: (into) => {
      const attended = layer.attention ? attentionBranch(tape, heads!, { ...context, into }) : undefined;
      trace = attended;
      return attended && leaveBranch(tape, attended.o, { config, parameters, branch: "attention" });
    },
    scan: (into) =>
      mamba &&
      leaveBranch(tape, mambaBranch(tape, mamba, { config, parameters, into }), {
        config,
        parameters,
        branch: "mamba",
      }),
  });
  return { y: projectOutput(tape, branches, context), trace };
}

function attentionBranch(
  tape: Tape,
  projected: Tensor,
  { config, layer, rotaryTable, shared, crop = 0, into }: BlockContext & { into?: Tensor },
) {
  const { nHeads: H, nKvHeads: G, headDim: K, valueHeadDim: Kv, metaTokens } = config;
  const table = rotaryTable!, see = { window: layer.window, meta: metaTokens, crop: layer.window > 0 ? crop : 0, into };
  if (layer.kvOwner !== layer.index) {
    const q = rotary(tape, { x: sliceColumns(projected, 0, [H, K]), table });
    const { k, v } = shared!;
    return { q, k, v, ...attention(tape, { q, k, v }, see) };
  }
  const qk = rotary(tape, { x: sliceColumns(projected, 0, [H + G, K]), table });
  const q = sliceColumns(qk, 0, [H, K]),
    k = sliceColumns(qk, H * K, [G, K]),
    v = sliceColumns(projected, (H + G) * K, [G, Kv]);
  return { q, k, v, ...attention(tape, { q, k, v }, see) };
}
