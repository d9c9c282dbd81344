/** How a layer's attention and Mamba branch become one input of its output projection; the same in training and decoding. */
import type { HymbaConfig, Layer } from "../config/mod.ts";
import { fusion } from "../ops/fusion.ts";
import { mix } from "../ops/mix.ts";
import { sliceColumns, type Tape, type Tensor } from "../tensor/mod.ts";
import type { Parameters } from "./mamba.ts";

/** What a branch gets: where to write its result, or nothing when it makes its own tensor. */
export interface Branches {
  readonly config: HymbaConfig;
  readonly layer: Layer;
  readonly parameters: Parameters;
  /** [B, T] of the positions. */
  readonly positions: readonly [B: number, T: number];
  /** Returns [B, T, H, Kv], or undefined in a layer without attention. */
  attend(into: Tensor | undefined): Tensor | undefined;
  /** Returns [B, T, I], or undefined in a layer without Mamba. */
  scan(into: Tensor | undefined): Tensor | undefined;
}

/**
 * Runs the branches and joins them by `config.fusion`. Returns [B, T, I], or [B, T, 2I] where they are concatenated: each
 * branch then writes its half of the columns, and the output projection has twice the width.
 */
export function joined(tape: Tape, branches: Branches): Tensor {
  const { config, layer, parameters } = branches, both = layer.attention && layer.mamba;
  if (both && config.fusion === "concat") return concatenated(tape, branches);
  const a = branches.attend(undefined), m = branches.scan(undefined);
  if (!a || !m) return (a ?? m)!;
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

function concatenated(tape: Tape, { config, positions, attend, scan }: Branches): Tensor {
  const { nHeads: H, valueHeadDim: Kv, innerDim: I } = config;
  const both = tape.tensor("branches", [...positions, 2 * I]);
  const rows = { ...both, lead: 2 };
  attend(sliceColumns(rows, 0, [H, Kv]));
  scan(sliceColumns(rows, I, [I]));
  return both;
}
