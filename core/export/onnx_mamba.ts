/** The Mamba branch as ONNX operators; the scan is the operator `Scan`. */
import type { HymbaConfig } from "../config/mod.ts";
import { OnnxGraph, type Value } from "./onnx_graph.ts";
import { causalConv, linear, norm, type OnnxContext, silu, split } from "./onnx_parts.ts";

/**
 * One position: state = exp(dt · A) · state + dt · u · B, y = Σ C · state. A comes from the graph around it. Shapes: state [B, I, N], dt and u
 * [B, I], B and C [B, N], y [B, I].
 */
function oneStep({ innerDim: I, stateSize: N }: HymbaConfig, { A, prefix }: { A: Value; prefix: string }): OnnxGraph {
  const graph = new OnnxGraph("one_step", prefix),
    port = (name: string, ...sizes: number[]) => {
      return { name: `${prefix}${name}`, type: "float" as const, shape: ["batch", ...sizes] };
    };
  const [state, dt, u, b, c] = ["state", "dt", "u", "b", "c"].map((name) => `${prefix}${name}`) as [
    Value,
    Value,
    Value,
    Value,
    Value,
  ];
  const column = (x: Value) => graph.op("Unsqueeze", [x, graph.whole([2])]);
  const row = (x: Value) => graph.op("Unsqueeze", [x, graph.whole([1])]);
  const decay = graph.op("Exp", [graph.op("Mul", [column(dt), A])]);
  const added = graph.op("Mul", [column(graph.op("Mul", [dt, u])), row(b)]);
  const next = graph.op("Add", [graph.op("Mul", [decay, state]), added]);
  const read = graph.op("ReduceSum", [graph.op("Mul", [next, row(c)]), graph.whole([2])], { keepdims: 0 });
  graph.inputs = [port("state", I, N), port("dt", I), port("u", I), port("b", N), port("c", N)];
  graph.outputs = [
    { name: next, type: "float", shape: ["batch", I, N] },
    { name: read, type: "float", shape: ["batch", I] },
  ];
  return graph;
}

/** Step size, B and C, normalised with `innerNorms`. u [B, L, I]; returns dt [B, L, I] before its softplus, B and C [B, L, N]. */
function selection(context: OnnxContext, u: Value): { dt: Value; b: Value; c: Value } {
  const { graph, config: { dtRank: R, stateSize: N, innerNorms }, parameter } = context;
  const [dt = "", b = "", c = ""] = split(graph, linear(context, u, "x_proj"), [R, N, N]);
  const normed = (x: Value, name: string) => innerNorms ? norm(context, x, name) : x;
  const wide = linear(context, normed(dt, "dt_norm"), "dt_proj.w");
  return { dt: graph.op("Add", [wide, parameter("dt_proj.b")]), b: normed(b, "b_norm"), c: normed(c, "c_norm") };
}

/** The branch. Shapes: x [B, L, I], z [B, L, I], or with the state off the normalised stream [B, L, D]; returns [B, L, I]. */
export function mamba(
  context: OnnxContext,
  { x, z, batch, prefix }: { x: Value; z: Value; batch: Value; prefix: string },
): Value {
  const { graph, config, parameter } = context, { innerDim: I, stateSize: N, convKernel: taps } = config;
  const u = causalConv(context, x, { name: "conv", channels: I, taps });
  if (config.state === "off") return graph.op("Mul", [silu(graph, linear(context, z, "z_proj")), u]);
  const { dt, b, c } = selection(context, u), step = graph.op("Softplus", [dt]);
  const A = graph.op("Neg", [graph.op("Exp", [parameter("a_log")])]);
  const shape = graph.op("Concat", [batch, graph.whole([I]), graph.whole([N])], { axis: 0 });
  const start = graph.op("ConstantOfShape", [shape]), body = oneStep(config, { A, prefix });
  const [, read = ""] = graph.ops("Scan", [start, step, u, b, c], 2, {
    body,
    num_scan_inputs: 4,
    scan_input_axes: [1, 1, 1, 1],
    scan_output_axes: [1],
  });
  const y = graph.op("Add", [read, graph.op("Mul", [parameter("d"), u])]);
  return graph.op("Mul", [y, silu(graph, z)]);
}
