/** The forward pass of any model as one ONNX file: token ids [batch, length] to logits [batch, length, vocabulary]. */
import { type HymbaConfig, type Layer, layersOf } from "../config/mod.ts";
import { UsageError } from "../errors.ts";
import { present } from "../lists.ts";
import { parameterSpecs, projectionParts } from "../params/specs.ts";
import { type ExportedModel, type Files, tokenizerFiles, type Weights } from "./exported.ts";
import { encodeOnnx, OnnxGraph, type Value } from "./onnx_graph.ts";
import { mamba } from "./onnx_mamba.ts";
import {
  attention,
  causalConv,
  linear,
  norm,
  type OnnxContext,
  type OnnxKeys,
  type Positions,
  positionsOf,
  silu,
  split,
} from "./onnx_parts.ts";
import { pytorchShape } from "./pytorch_names.ts";

/** Most bytes of a protobuf message, less a MiB for the operators. */
const MOST_BYTES = 2 ** 31 - 2 ** 20;

/** The context for recording a layer. */
interface LayerPlace extends OnnxContext {
  readonly layer: Layer;
  readonly positions: Positions;
  readonly batch: Value;
  /** By layer. */
  readonly keys: Map<number, OnnxKeys>;
}

/** The inputs of a layer's branches: rows [Q | K | V], and x with the gate z. */
function inputsOf(place: LayerPlace, h: Value): { heads?: Value; scanned?: { x: Value; z: Value } } {
  const { graph, config, layer } = place, { q, k, v, x, z } = projectionParts(config, layer);
  const gated = (rows: Value): { x: Value; z: Value } => {
    if (z === 0) return { x: rows, z: h };
    const [first = "", gate = ""] = split(graph, rows, [x, z]);
    return { x: first, z: gate };
  };
  if (config.branchWidth > 0) {
    const own = (branch: string) => linear(place, linear(place, h, `${branch}.enter`), `${branch}.in_proj`);
    return {
      heads: layer.attention ? own("attention") : undefined,
      scanned: layer.mamba ? gated(own("mamba")) : undefined,
    };
  }
  const rows = linear(place, h, "in_proj");
  if (!layer.mamba) return { heads: rows };
  if (!layer.attention) return { scanned: gated(rows) };
  const [heads = "", rest = ""] = split(graph, rows, [q + k + v, x + z]);
  return { heads, scanned: gated(rest) };
}

/** Both branches as one, [B, L, I], [B, L, 2 · I] or [B, L, D]. */
function fused(place: LayerPlace, a: Value, m: Value): Value {
  const { graph, config: { fusion }, parameter } = place;
  if (fusion === "concat") return graph.op("Concat", [a, m], { axis: 2 });
  if (fusion === "sum") return graph.op("Add", [a, m]);
  if (fusion === "mean") {
    const both = graph.op("Add", [norm(place, a, "fusion.attention"), norm(place, m, "fusion.mamba")]);
    return graph.op("Mul", [both, graph.number(0.5)]);
  }
  const share = graph.op("Sigmoid", [parameter("fusion.gate")]), rest = graph.op("Sub", [graph.number(1), share]);
  return graph.op("Add", [graph.op("Mul", [share, a]), graph.op("Mul", [rest, m])]);
}

/** The output of a layer's mixer, which is added to the residual stream. h [B, L, D]. */
function mixed(place: LayerPlace, h: Value): Value {
  const { config, layer, keys, batch } = place, { heads, scanned } = inputsOf(place, h);
  const own = config.branchWidth > 0 || config.separateOutputs && layer.attention && layer.mamba;
  const leave = (y: Value, branch: string) => {
    if (!own) return y;
    const narrow = linear(place, y, `${branch}.out_proj`);
    return config.branchWidth > 0 ? linear(place, narrow, `${branch}.leave`) : narrow;
  };
  let a: Value | undefined, m: Value | undefined;
  if (heads !== undefined) {
    const { q, k, v } = projectionParts(config, layer), taps = config.attentionConv;
    const rows = taps > 0 ? causalConv(place, heads, { name: "attention.conv", channels: q + k + v, taps }) : heads;
    const made = attention(place, rows, {
      ...place,
      shared: layer.kvOwner === layer.index ? undefined : keys.get(layer.kvOwner),
    });
    keys.set(layer.index, made.keys);
    a = leave(made.y, "attention");
  }
  if (scanned) m = leave(mamba(place, { ...scanned, batch, prefix: `layer_${layer.index}_` }), "mamba");
  const y = a !== undefined && m !== undefined ? fused(place, a, m) : present(a ?? m, "a branch");
  return own ? y : linear(place, y, "out_proj");
}

function layerOf(place: LayerPlace, x: Value): Value {
  const { graph, config: { ffnHidden: F } } = place;
  const after = graph.op("Add", [x, mixed(place, norm(place, x, "norm1"))]);
  const [gate = "", up = ""] = split(graph, linear(place, norm(place, after, "norm2"), "ffn.gate_up"), [F, F]);
  return graph.op("Add", [after, linear(place, graph.op("Mul", [silu(graph, gate), up]), "ffn.down")]);
}

/** The token embeddings with the meta tokens in front, [B, L, D], and the batch size [1] and L. */
function embedded(graph: OnnxGraph, { metaTokens: M, dModel: D }: HymbaConfig, ids: Value) {
  const shape = graph.op("Shape", [ids]),
    size = (i: number) => graph.op("Gather", [shape, graph.whole([i])], { axis: 0 });
  const batch = size(0), text = graph.op("Gather", ["embedding", ids], { axis: 0 });
  const length = graph.op("Add", [graph.op("Gather", [shape, graph.whole(1)], { axis: 0 }), graph.whole(M)]);
  if (M === 0) return { x: text, batch, length };
  const wanted = graph.op("Concat", [batch, graph.whole([M]), graph.whole([D])], { axis: 0 });
  const meta = graph.op("Expand", [graph.op("Unsqueeze", ["meta", graph.whole([0])]), wanted]);
  return { x: graph.op("Concat", [meta, text], { axis: 1 }), batch, length };
}

/** The whole graph. */
function graphOf(config: HymbaConfig, weights: Weights): OnnxGraph {
  const graph = new OnnxGraph("hymba"),
    ids = "input_ids",
    { metaTokens: M, vocabSize: V } = config,
    keys = new Map<number, OnnxKeys>();
  for (const spec of parameterSpecs(config)) {
    graph.stored(spec.name, pytorchShape(spec), present(weights[spec.name], spec.name));
  }
  const context = (prefix: string): OnnxContext => ({ graph, config, parameter: (name) => `${prefix}${name}` });
  const { x: first, batch, length } = embedded(graph, config, ids), positions = positionsOf(graph, config, length);
  let x = first;
  for (const layer of layersOf(config)) {
    x = layerOf({ ...context(`layers.${layer.index}.`), layer, positions, batch, keys }, x);
  }
  const last = norm(context(""), x, "final_norm"), end = graph.whole([2 ** 31]);
  const text = M > 0 ? graph.op("Slice", [last, graph.whole([M]), end, graph.whole([1])]) : last;
  const logits = graph.called("logits", linear(context(""), text, "embedding"));
  graph.inputs = [{ name: ids, type: "int64", shape: ["batch", "length"] }];
  graph.outputs = [{ name: logits, type: "float", shape: ["batch", "length", V] }];
  return graph;
}

/** The files of the export. Throws a UsageError for a model that is larger than a protobuf message may be. */
export function onnxFiles({ name, config, weights, tokenizer, sequenceLength, source }: ExportedModel): Files {
  const bytes = Object.values(weights).reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (bytes > MOST_BYTES) {
    throw new UsageError(`${name} is too large for one ONNX file`, {
      expected: `at most ${MOST_BYTES} bytes of weights`,
      got: `${bytes} bytes`,
      hint: "--format pytorch takes every model",
    });
  }
  const metadata = { name, source, sequenceLength: String(sequenceLength) };
  return { "model.onnx": encodeOnnx(graphOf(config, weights), metadata), ...tokenizerFiles(tokenizer) };
}
