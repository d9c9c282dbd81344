/** Every parameter of a model: name, shape, start and whether weight decay applies. */
import { type HymbaConfig, type Layer, layersOf } from "../config/mod.ts";

/** How the start values of a parameter are drawn. */
export type Init =
  | { kind: "normal"; deviation: number }
  | { kind: "uniform"; bound: number }
  | { kind: "constant"; value: number }
  /** log(1 … N) in each row: A = −n, the real S4D start. */
  | { kind: "s4d" }
  /** Inverse softplus of a step size drawn log-uniformly from 0.001 to 0.1. */
  | { kind: "step-size" };

export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly init: Init;
  /** Weight decay applies to matrices, and to nothing else. */
  readonly decay: boolean;
}

const ONE: Init = { kind: "constant", value: 1 };

/** Columns of the fused input projection: queries, keys, values, Mamba input, gate; a part is 0 where the layer lacks it. */
export function projectionParts(config: HymbaConfig, layer: Layer) {
  const { nHeads, nKvHeads, headDim, valueHeadDim, innerDim } = config;
  const owns = layer.attention && layer.kvOwner === layer.index;
  return {
    q: layer.attention ? nHeads * headDim : 0,
    k: owns ? nKvHeads * headDim : 0,
    v: owns ? nKvHeads * valueHeadDim : 0,
    x: layer.mamba ? innerDim : 0,
    // Without the scan the gate has a projection of its own, which writes it beside the convolved input.
    z: layer.mamba && config.state === "on" ? innerDim : 0,
  };
}

function layerSpecs(config: HymbaConfig, layer: Layer): ParameterSpec[] {
  const { dModel: D, innerDim: I, convKernel: J, ffnHidden: F, nLayers, branchWidth } = config;
  const linear: Init = { kind: "normal", deviation: config.initDeviation };
  // Projections back into the residual stream start smaller, so that its variance does not grow with depth.
  const output: Init = { kind: "normal", deviation: config.initDeviation / Math.sqrt(2 * nLayers) };
  const specs: ParameterSpec[] = [];
  const add = (name: string, shape: readonly number[], init: Init, decay = shape.length > 1) =>
    specs.push({ name: `layers.${layer.index}.${name}`, shape, init, decay });
  /** A branch of its own width: into it, its input projection, its output projection, back to the stream. */
  const addBranch = (name: string, input: number, mixed: number) => {
    add(`${name}.enter`, [branchWidth, D], linear), add(`${name}.in_proj`, [input, branchWidth], linear);
    add(`${name}.out_proj`, [branchWidth, mixed], linear), add(`${name}.leave`, [D, branchWidth], output);
  };
  const { q, k, v, x, z } = projectionParts(config, layer), conv: Init = { kind: "uniform", bound: 1 / Math.sqrt(J) };
  add("norm1", [D], ONE);
  if (branchWidth === 0) add("in_proj", [q + k + v + x + z, D], linear);
  else {
    if (layer.attention) addBranch("attention", q + k + v, config.nHeads * config.valueHeadDim);
    if (layer.mamba) addBranch("mamba", x + z, I);
  }
  if (layer.attention && config.attentionConv > 0) {
    const taps = config.attentionConv, init: Init = { kind: "uniform", bound: 1 / Math.sqrt(taps) };
    add("attention.conv.w", [q + k + v, taps], init), add("attention.conv.b", [q + k + v], init);
  }
  if (layer.mamba) add("conv.w", [I, J], conv), add("conv.b", [I], conv);
  if (layer.mamba && config.state === "off") add("z_proj", [I, D], linear);
  if (layer.mamba && config.state === "on") addScan(config, add);
  const both = layer.attention && layer.mamba, attended = config.nHeads * config.valueHeadDim;
  const separate = both && config.separateOutputs, joined = separate ? D : I, mixed = layer.mamba ? I : attended;
  if (separate) add("attention.out_proj", [D, attended], output), add("mamba.out_proj", [D, I], output);
  if (both && config.fusion === "mean") add("fusion.attention", [joined], ONE), add("fusion.mamba", [joined], ONE);
  if (both && config.fusion === "gate") add("fusion.gate", [1], { kind: "constant", value: 0.5 });
  if (branchWidth === 0 && !separate) add("out_proj", [D, both && config.fusion === "concat" ? 2 * I : mixed], output);
  add("norm2", [D], ONE);
  add("ffn.gate_up", [2 * F, D], linear);
  add("ffn.down", [D, F], output);
  return specs;
}

function addScan(
  { innerDim: I, stateSize: N, dtRank: R, innerNorms, stepInit }: HymbaConfig,
  add: (name: string, shape: readonly number[], init: Init, decay?: boolean) => void,
): void {
  add("x_proj", [R + 2 * N, I], { kind: "uniform", bound: 1 / Math.sqrt(I) });
  if (innerNorms) add("dt_norm", [R], ONE), add("b_norm", [N], ONE), add("c_norm", [N], ONE);
  add("dt_proj.w", [I, R], { kind: "uniform", bound: 1 / Math.sqrt(R) });
  add("dt_proj.b", [I], stepInit === "mamba" ? { kind: "step-size" } : { kind: "constant", value: 0 });
  add("a_log", [I, N], { kind: "s4d" }, false);
  add("d", [I], ONE);
}

/** The parameters of a model in a fixed order. The embedding is also the output head. */
export function parameterSpecs(config: HymbaConfig): ParameterSpec[] {
  const { vocabSize: V, dModel: D, metaTokens: M, initDeviation } = config;
  const meta: Init = { kind: "normal", deviation: config.metaInit === "normal" ? 1 : initDeviation };
  return [
    { name: "embedding", shape: [V, D], init: { kind: "normal", deviation: initDeviation }, decay: true },
    ...(M > 0 ? [{ name: "meta", shape: [M, D], init: meta, decay: true }] : []),
    ...layersOf(config).flatMap((layer) => layerSpecs(config, layer)),
    { name: "final_norm", shape: [D], init: ONE, decay: false },
  ];
}

/** Numbers that training adjusts. */
export const parameterCount = (config: HymbaConfig): number =>
  parameterSpecs(config).reduce((sum, { shape }) => sum + shape.reduce((product, length) => product * length, 1), 0);
