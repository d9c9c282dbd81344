/** How a layer's attention and Mamba branch become one input of its output projection. */
import { HymbaError } from "../errors.ts";
import { fusion } from "../ops/fusion.ts";
import { mix } from "../ops/mix.ts";
import { sliceColumns, type Tape, type Tensor } from "../tensor/mod.ts";
import type { LayerContext } from "./mixing.ts";

/** The branches of a layer. Each writes into the given tensor, or makes one. */
export interface Branches {
  /** A tensor whose first two dimensions are those of the results. */
  readonly like: Tensor;
  /** Returns [B, T, H, Kv], or undefined in a layer without attention. */
  attend(into?: Tensor): Tensor | undefined;
  /** Returns [B, T, I], or undefined in a layer without Mamba. */
  scan(into?: Tensor): Tensor | undefined;
}

/**
 * Runs the branches and joins them by `config.fusion`. Returns [B, T, I], or [B, T, 2I] where they are concatenated: each
 * branch then writes its half of the columns, and the output projection has twice the width.
 */
export function joined(
  tape: Tape,
  { config, layer, parameters, mixing }: LayerContext,
  { like, attend, scan }: Branches,
): Tensor {
  if (layer.attention && layer.mamba && config.fusion === "concat") {
    const { nHeads: H, valueHeadDim: Kv, innerDim: I } = config;
    const both = tape.tensor("branches", [...like.shape.slice(0, 2), 2 * I]), rows = { ...both, lead: 2 };
    attend(sliceColumns(rows, 0, [H, Kv]));
    scan(sliceColumns(rows, I, [I]));
    return mixing.branch?.(both, { layer, of: "both" }) ?? both;
  }
  const a = attend(), m = scan(), only = a ?? m;
  if (!only) throw new HymbaError(`layer ${layer.index} has neither attention nor Mamba`);
  if (!a || !m) return only;
  switch (config.fusion) {
    case "sum":
      return mix(tape, { a, m });
    case "gate":
      return mix(tape, { a, m, g: parameters("fusion.gate") });
    default:
      return fusion(tape, { a, m, wa: parameters("fusion.attention"), wm: parameters("fusion.mamba") }, {
        eps: config.normEps,
      });
  }
}
