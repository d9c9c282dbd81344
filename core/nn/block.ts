/** The mixer of a layer: attention, Mamba, or both in parallel on one fused projection. */
import { HymbaError } from "../errors.ts";
import { rotary, ROTARY_LOW } from "../ops/rotary.ts";
import { projectionParts } from "../params/specs.ts";
import { sliceColumns, type Tape, type Tensor } from "../tensor/mod.ts";
import { joined } from "./join.ts";
import { mambaBranch } from "./mamba.ts";
import type { LayerContext } from "./mixing.ts";
import { leaveBranch, projectInputs, projectOutput } from "./projections.ts";

/** Shapes: h [B, T, D] (normalised); returns the layer's addition to the residual stream [B, T, D]. */
export function mixer(tape: Tape, h: Tensor, context: LayerContext): Tensor {
  const { heads, mamba } = projectInputs(tape, h, context);
  const { layer, mixing } = context;
  // A branch that writes into its half of one tensor is changed with that tensor.
  const leave = (y: Tensor, { of, into }: { of: "attention" | "mamba"; into?: Tensor }) =>
    leaveBranch(tape, into ? y : mixing.branch?.(y, { layer, of }) ?? y, { ...context, branch: of });
  const branches = joined(tape, context, {
    like: h,
    attend: (into) =>
      heads && leave(attentionBranch(tape, convolved(heads, context), { ...context, into }), { of: "attention", into }),
    scan: (into) => mamba && leave(mambaBranch(tape, mamba, { ...context, into }), { of: "mamba", into }),
  });
  return projectOutput(tape, branches, context);
}

/**
 * Queries, keys and values after their causal convolution, if the configuration has one. Shapes: rows as `BranchInputs.heads`.
 */
function convolved(heads: Tensor, { config, layer, parameters, mixing }: LayerContext): Tensor {
  if (config.attentionConv === 0) return heads;
  const { q, k, v } = projectionParts(config, layer), x = sliceColumns(heads, 0, [q + k + v]);
  const weights = { w: parameters("attention.conv.w"), bias: parameters("attention.conv.b") };
  return mixing.convolve({ x, ...weights }, { layer, of: "heads" });
}

/** Shapes: projected, rows that begin with [Q | K | V], or Q alone where another layer owns them; returns [B, T, H, Kv]. */
function attentionBranch(
  tape: Tape,
  projected: Tensor,
  { config, layer, rotaryTable: table, mixing, into }: LayerContext & { into?: Tensor },
): Tensor {
  if (!table) throw new HymbaError(`layer ${layer.index} attends, but the model has no rotary table`);
  const { nHeads: H, nKvHeads: G, headDim: K, valueHeadDim: Kv } = config, owns = layer.kvOwner === layer.index;
  const x = sliceColumns(projected, 0, [owns ? H + G : H, K]);
  const { position } = mixing, rotated = rotary(tape, { x, table, position }, { low: position ? ROTARY_LOW : 0 });
  if (!owns) return mixing.attend({ q: rotated }, { layer, into });
  const own = { k: sliceColumns(rotated, H * K, [G, K]), v: sliceColumns(projected, (H + G) * K, [G, Kv]) };
  return mixing.attend({ q: sliceColumns(rotated, 0, [H, K]), own }, { layer, into });
}
