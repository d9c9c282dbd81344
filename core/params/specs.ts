/** Every parameter of a model: name, shape, start and whether weight decay applies. */
import { type HymbaConfig, type Layer, layersOf } from "../config/mod.ts";

/** How the start values of a parameter are drawn. */
export type Init =
  | { kind: "normal"; deviation: number }
  | { kind: "uniform"; bound: number }
  | { kind: "constant"; value: number }
  /** Rows of a matrix that start differently, from the first on. */
  | { kind: "rows"; parts: readonly { rows: number; init: Init }[] }
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

/** How the projections of a model start. */
interface ProjectionInits {
  readonly linear: Init;
  /** Back into the residual stream. By default smaller, so that its variance does not grow with depth. */
  readonly output: Init;
  /** Of the Mamba branch, by the width of their input. */
  mamba(input: number): Init;
  mambaOutput(input: number): Init;
}

function projectionInits({ initDeviation, outputInit, mambaInit, nLayers }: HymbaConfig): ProjectionInits {
  const depth = outputInit === "depth" ? Math.sqrt(2 * nLayers) : 1;
  const linear: Init = { kind: "normal", deviation: initDeviation };
  const output: Init = { kind: "normal", deviation: initDeviation / depth };
  if (mambaInit === "normal") return { linear, output, mamba: () => linear, mambaOutput: () => output };
  return {
    linear,
    output,
    mamba: (input) => ({ kind: "uniform", bound: 1 / Math.sqrt(input) }),
    mambaOutput: (input) => ({ kind: "uniform", bound: 1 / (depth * Math.sqrt(input)) }),
  };
}

type Add = (name: string, shape: readonly number[], init: Init, options?: { decay?: boolean }) => void;

/** The facts that determine the parameters of a layer. */
interface LayerParts extends ReturnType<typeof projectionParts> {
  readonly config: HymbaConfig;
  readonly layer: Layer;
  readonly inits: ProjectionInits;
  readonly add: Add;
}

/** From the stream to both branches: one fused projection, or with a `branchWidth` one into each branch and one inside it. */
function addInputs({ config, layer, inits, add, q, k, v, x, z }: LayerParts): void {
  const { dModel: D, innerDim: I, branchWidth } = config, { linear, output, mamba } = inits;
  const heads = q + k + v, scanned = x + z;
  if (branchWidth === 0) {
    const parts = [{ rows: heads, init: linear }, { rows: scanned, init: mamba(D) }].filter(({ rows }) => rows > 0);
    const same = parts.every(({ init }) => init === linear);
    return add("in_proj", [heads + scanned, D], same ? linear : { kind: "rows", parts });
  }
  const addBranch = (
    name: string,
    { input, inner, mixed, out }: { input: number; inner: Init; mixed: number; out: Init },
  ) => {
    add(`${name}.enter`, [branchWidth, D], linear);
    add(`${name}.in_proj`, [input, branchWidth], inner);
    add(`${name}.out_proj`, [branchWidth, mixed], out);
    add(`${name}.leave`, [D, branchWidth], output);
  };
  const attended = config.nHeads * config.valueHeadDim;
  if (layer.attention) addBranch("attention", { input: heads, inner: linear, mixed: attended, out: linear });
  // The projection behind the scan does not lead into the stream here, so it is not smaller for the depth.
  if (layer.mamba) addBranch("mamba", { input: scanned, inner: mamba(branchWidth), mixed: I, out: mamba(I) });
}

function addAttentionConvolution({ config: { attentionConv: taps }, layer, add, q, k, v }: LayerParts): void {
  if (!layer.attention || taps === 0) return;
  const init: Init = { kind: "uniform", bound: 1 / Math.sqrt(taps) };
  add("attention.conv.w", [q + k + v, taps], init);
  add("attention.conv.b", [q + k + v], init);
}

/** The Mamba branch between its input and its output projection. */
function addMamba({ config, layer, inits, add }: LayerParts): void {
  if (!layer.mamba) return;
  const { dModel: D, innerDim: I, stateSize: N, dtRank: R, convKernel: J } = config;
  const within = (input: number): Init => ({ kind: "uniform", bound: 1 / Math.sqrt(input) });
  add("conv.w", [I, J], within(J));
  add("conv.b", [I], within(J));
  if (config.state === "off") return add("z_proj", [I, D], inits.mamba(D));
  add("x_proj", [R + 2 * N, I], within(I));
  if (config.innerNorms) {
    add("dt_norm", [R], ONE);
    add("b_norm", [N], ONE);
    add("c_norm", [N], ONE);
  }
  add("dt_proj.w", [I, R], within(R));
  add("dt_proj.b", [I], config.stepInit === "mamba" ? { kind: "step-size" } : { kind: "constant", value: 0 });
  add("a_log", [I, N], { kind: "s4d" }, { decay: false });
  add("d", [I], ONE);
}

/** The parameters of the fusion, and of the output projection to the residual stream. */
function addOutputs({ config, layer, inits: { output, mambaOutput }, add }: LayerParts): void {
  const { dModel: D, innerDim: I, fusion, branchWidth } = config;
  const both = layer.attention && layer.mamba, attended = config.nHeads * config.valueHeadDim;
  const separate = both && config.separateOutputs, joined = separate ? D : I;
  if (separate) {
    add("attention.out_proj", [D, attended], output);
    add("mamba.out_proj", [D, I], mambaOutput(I));
  }
  const norm: Init = { kind: "constant", value: config.fusionInit };
  if (both && fusion === "mean") {
    add("fusion.attention", [joined], norm);
    add("fusion.mamba", [joined], norm);
  }
  if (both && fusion === "gate") add("fusion.gate", [1], { kind: "constant", value: 0.5 });
  if (branchWidth > 0 || separate) return;
  if (both) add("out_proj", [D, fusion === "concat" ? 2 * I : I], output);
  else add("out_proj", [D, layer.mamba ? I : attended], layer.mamba ? mambaOutput(I) : output);
}

function layerSpecs(config: HymbaConfig, layer: Layer): ParameterSpec[] {
  const { dModel: D, ffnHidden: F } = config, inits = projectionInits(config), specs: ParameterSpec[] = [];
  const add: Add = (name, shape, init, { decay = shape.length > 1 } = {}) => {
    specs.push({ name: `layers.${layer.index}.${name}`, shape, init, decay });
  };
  const parts: LayerParts = { config, layer, inits, add, ...projectionParts(config, layer) };
  add("norm1", [D], ONE);
  addInputs(parts);
  addAttentionConvolution(parts);
  addMamba(parts);
  addOutputs(parts);
  add("norm2", [D], ONE);
  add("ffn.gate_up", [2 * F, D], inits.linear);
  add("ffn.down", [D, F], inits.output);
  return specs;
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
