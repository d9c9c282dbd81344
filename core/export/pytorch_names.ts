/** Names and shapes of a model's parameters in PyTorch. docs/export.md has them as a table. */
import { at } from "../lists.ts";
import type { ParameterSpec } from "../params/specs.ts";

/** Names of a layer's parameters that are not this program's name plus `.weight`. */
const SPECIAL: Readonly<Record<string, string>> = {
  "attention.conv.w": "attention.conv.weight",
  "attention.conv.b": "attention.conv.bias",
  "conv.w": "mamba.conv.weight",
  "conv.b": "mamba.conv.bias",
  z_proj: "mamba.z_proj.weight",
  x_proj: "mamba.x_proj.weight",
  dt_norm: "mamba.dt_norm.weight",
  b_norm: "mamba.b_norm.weight",
  c_norm: "mamba.c_norm.weight",
  "dt_proj.w": "mamba.dt_proj.weight",
  "dt_proj.b": "mamba.dt_proj.bias",
  a_log: "mamba.A_log",
  d: "mamba.D",
  "fusion.gate": "fusion.gate",
};

/** The name in the `state_dict` of core/export/hymba_model.py. */
export function pytorchName(name: string): string {
  if (name === "meta") return name;
  const [, layer = "", short = name] = /^(layers\.\d+\.)(.*)$/.exec(name) ?? [];
  return `${layer}${SPECIAL[short] ?? `${short}.weight`}`;
}

/** The shape there: a depthwise convolution [I, J] is [I, 1, J]. All else is as here. */
export const pytorchShape = ({ name, shape }: Pick<ParameterSpec, "name" | "shape">): readonly number[] =>
  name.endsWith("conv.w") ? [at(shape, 0), 1, at(shape, 1)] : shape;
