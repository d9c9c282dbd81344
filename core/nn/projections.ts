/** From the normalised stream to the inputs of a layer's branches and back. */
import { linear } from "../ops/linear.ts";
import { projectionParts } from "../params/specs.ts";
import { sliceColumns, type Tape, type Tensor } from "../tensor/mod.ts";
import type { LayerContext } from "./mixing.ts";

/** The inputs of the branches. An input is absent when the layer lacks the branch. */
export interface BranchInputs {
  /** Rows that begin with [Q | K | V], or with Q where another layer owns keys and values. */
  readonly heads?: Tensor;
  /** [B, T, I] each; with the scan off z is the normalised stream [B, T, D], which the gate's own projection takes. */
  readonly mamba?: { readonly x: Tensor; readonly z: Tensor };
}

/** Whether each branch of a layer has an output projection of its own, directly into the stream. */
const isSeparate = ({ config, layer }: LayerContext): boolean =>
  config.separateOutputs && layer.attention && layer.mamba;

/** Projects h [B, T, D]: once for both branches, or with a `branchWidth` through a narrower (or equal) width for each. */
export function projectInputs(tape: Tape, h: Tensor, { config, layer, parameters }: LayerContext): BranchInputs {
  const { q, k, v, x } = projectionParts(config, layer), { innerDim: I, branchWidth, state } = config;
  const from = (projected: Tensor, at: number) => ({
    x: sliceColumns(projected, at, [I]),
    z: state === "on" ? sliceColumns(projected, at + x, [I]) : h,
  });
  if (branchWidth === 0) {
    const heads = linear(tape, { x: h, w: parameters("in_proj") });
    return { heads: layer.attention ? heads : undefined, mamba: layer.mamba ? from(heads, q + k + v) : undefined };
  }
  const ownInput = (branch: string) =>
    linear(tape, { x: linear(tape, { x: h, w: parameters(`${branch}.enter`) }), w: parameters(`${branch}.in_proj`) });
  return {
    heads: layer.attention ? ownInput("attention") : undefined,
    mamba: layer.mamba ? from(ownInput("mamba"), 0) : undefined,
  };
}

/** With a `branchWidth` or an output projection of its own, what a branch adds to the stream [B, T, D]; else the branch itself. */
export function leaveBranch(
  tape: Tape,
  y: Tensor,
  context: LayerContext & { branch: "attention" | "mamba" },
): Tensor {
  const { config: { branchWidth }, parameters, branch } = context;
  if (branchWidth === 0 && !isSeparate(context)) return y;
  const narrow = linear(tape, { x: y, w: parameters(`${branch}.out_proj`) });
  if (branchWidth === 0) return narrow;
  return linear(tape, { x: narrow, w: parameters(`${branch}.leave`) });
}

/** The layer's addition to the stream [B, T, D], from its joined branches. */
export const projectOutput = (tape: Tape, joined: Tensor, context: LayerContext): Tensor =>
  context.config.branchWidth > 0 || isSeparate(context)
    ? joined
    : linear(tape, { x: joined, w: context.parameters("out_proj") }, { name: "mixed" });
