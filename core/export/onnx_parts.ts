/** Parts of a model as ONNX operators. Letters of shapes as in CONTRIBUTING.md; L: positions, meta tokens first. */
import type { HymbaConfig, Layer } from "../config/mod.ts";
import { rotaryTable } from "../ops/rotary.ts";
import type { OnnxGraph, Value } from "./onnx_graph.ts";

/** Shared inputs of all parts of a layer. */
export interface OnnxContext {
  readonly graph: OnnxGraph;
  readonly config: HymbaConfig;
  /** The stored value of a parameter, by its short name in the layer. */
  parameter(name: string): Value;
}

/** x · Wᵀ. */
export const linear = ({ graph, parameter }: OnnxContext, x: Value, weight: string): Value =>
  graph.op("MatMul", [x, graph.op("Transpose", [parameter(weight)], { perm: [1, 0] })]);

/** RMSNorm of the last dimension of x [B, L, width]. */
export function norm({ graph, config, parameter }: OnnxContext, x: Value, weight: string): Value {
  const square = graph.op("ReduceMean", [graph.op("Mul", [x, x])], { axes: [2], keepdims: 1 });
  const root = graph.op("Sqrt", [graph.op("Add", [square, graph.number(config.normEps)])]);
  return graph.op("Mul", [graph.op("Div", [x, root]), parameter(weight)]);
}

export const silu = (graph: OnnxGraph, x: Value): Value => graph.op("Mul", [x, graph.op("Sigmoid", [x])]);

/** Columns of x [B, L, width] in parts of these sizes. */
export const split = (graph: OnnxGraph, x: Value, sizes: readonly number[]): Value[] =>
  graph.ops("Split", [x, graph.whole(sizes)], sizes.length, { axis: 2 });

/** The causal convolution of each channel with its SiLU. x [B, L, channels]; the weight is stored as [channels, 1, taps]. */
export function causalConv(
  { graph, parameter }: OnnxContext,
  x: Value,
  { name, channels, taps }: { name: string; channels: number; taps: number },
): Value {
  const inputs = [graph.op("Transpose", [x], { perm: [0, 2, 1] }), parameter(`${name}.w`), parameter(`${name}.b`)];
  const shape = { group: channels, kernel_shape: [taps], pads: [taps - 1, 0] };
  return silu(graph, graph.op("Transpose", [graph.op("Conv", inputs, shape)], { perm: [0, 2, 1] }));
}

/**
 * Tensors that do not depend on the layer: cosines and sines [L, K/2] of all positions, and the distance from a key to a query
 * [L, L].
 */
export interface Positions {
  readonly cos: Value;
  readonly sin: Value;
  readonly distance: Value;
  /** [1, L]: the position of each key. */
  readonly keys: Value;
}

/** Rows of the table of low parts, and of high parts: texts of a million positions. */
const LOW = 1024, HIGH = 1024;

/** A position's angle is the sum of two, so the tables do not grow with the text. `length`: L. */
export function positionsOf(graph: OnnxGraph, config: HymbaConfig, length: Value): Positions {
  const { headDim: K, ropeBase: base } = config, half = K / 2;
  const all = graph.op("Range", [graph.whole(0), length, graph.whole(1)]);
  const rows = (name: string, { count, apart, at }: { count: number; apart: number; at: Value }) => {
    const table = graph.stored(`rotary_${name}`, [count, K], rotaryTable(count, K, { base, apart }));
    return graph.ops("Split", [graph.op("Gather", [table, at]), graph.whole([half, half])], 2, { axis: 1 });
  };
  const [c = "", s = ""] = rows("low", { count: LOW, apart: 1, at: graph.op("Mod", [all, graph.whole(LOW)]) });
  const [C = "", S = ""] = rows("high", { count: HIGH, apart: LOW, at: graph.op("Div", [all, graph.whole(LOW)]) });
  const times = (a: Value, b: Value) => graph.op("Mul", [a, b]);
  const keys = graph.op("Unsqueeze", [all, graph.whole([0])]), queries = graph.op("Unsqueeze", [all, graph.whole([1])]);
  return {
    cos: graph.op("Sub", [times(c, C), times(s, S)]),
    sin: graph.op("Add", [times(s, C), times(c, S)]),
    distance: graph.op("Sub", [queries, keys]),
    keys,
  };
}

/** 0 where a query sees a key, else minus infinity, [L, L]. */
function maskOf(
  graph: OnnxGraph,
  { distance, keys }: Positions,
  { window, meta }: { window: number; meta: number },
): Value {
  let seen = graph.op("GreaterOrEqual", [distance, graph.whole(0)]);
  if (window > 0) {
    const near = graph.op("Less", [distance, graph.whole(window)]), first = graph.op("Less", [keys, graph.whole(meta)]);
    seen = graph.op("And", [seen, graph.op("Or", [near, first])]);
  }
  return graph.op("Where", [seen, graph.number(0), graph.number(-Infinity)]);
}

/** Rows [B, L, heads · width] as [B, heads, L, width]. */
const headsOf = (graph: OnnxGraph, x: Value, [heads, width]: readonly [number, number]): Value =>
  graph.op("Transpose", [graph.op("Reshape", [x, graph.whole([0, 0, heads, width])])], { perm: [0, 2, 1, 3] });

/** Turns the pairs (i, i + K/2) of x [B, heads, L, K]. */
function rotated(
  graph: OnnxGraph,
  x: Value,
  { positions: { cos, sin }, K }: { positions: Positions; K: number },
): Value {
  const [a = "", b = ""] = graph.ops("Split", [x, graph.whole([K / 2, K / 2])], 2, { axis: 3 });
  const times = (x: Value, y: Value) => graph.op("Mul", [x, y]);
  const parts = [graph.op("Sub", [times(a, cos), times(b, sin)]), graph.op("Add", [times(a, sin), times(b, cos)])];
  return graph.op("Concat", parts, { axis: 3 });
}

/** Keys [B, G, L, K] and values [B, G, L, Kv] of a layer. */
export interface OnnxKeys {
  readonly k: Value;
  readonly v: Value;
}

/** Attention on rows that begin with [Q | K | V], or Q where `shared` keys are used. Returns [B, L, H · Kv] and the keys. */
export function attention(
  { graph, config }: OnnxContext,
  rows: Value,
  { layer, positions, shared }: { layer: Layer; positions: Positions; shared?: OnnxKeys },
): { y: Value; keys: OnnxKeys } {
  const { nHeads: H, nKvHeads: G, headDim: K, valueHeadDim: Kv, metaTokens: meta } = config;
  const [query = "", key = "", value = ""] = split(graph, rows, shared ? [H * K] : [H * K, G * K, G * Kv]);
  const rotary = (x: Value, heads: number) => rotated(graph, headsOf(graph, x, [heads, K]), { positions, K });
  const keys = shared ?? { k: rotary(key, G), v: headsOf(graph, value, [G, Kv]) };
  // The query heads of a group are adjacent, so keys and values need not be repeated.
  const q = graph.op("Reshape", [rotary(query, H), graph.whole([0, G, H / G, -1, K])]);
  const beside = (x: Value) => graph.op("Unsqueeze", [x, graph.whole([2])]);
  const products = graph.op("MatMul", [q, graph.op("Transpose", [beside(keys.k)], { perm: [0, 1, 2, 4, 3] })]);
  const scores = graph.op("Mul", [products, graph.number(1 / Math.sqrt(K))]);
  const mask = maskOf(graph, positions, { window: layer.window, meta });
  const weights = graph.op("Softmax", [graph.op("Add", [scores, mask])], { axis: 4 });
  const mixed = graph.op("Reshape", [graph.op("MatMul", [weights, beside(keys.v)]), graph.whole([0, H, -1, Kv])]);
  const y = graph.op("Reshape", [graph.op("Transpose", [mixed], { perm: [0, 2, 1, 3] }), graph.whole([0, 0, H * Kv])]);
  return { y, keys };
}
