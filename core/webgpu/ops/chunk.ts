import activations from "../../../wgsl/lib/activations.wgsl" with { type: "text" };
import attentionChunkCode from "../../../wgsl/attention_chunk.wgsl" with { type: "text" };
import attentionGroups from "../../../wgsl/lib/attention_groups.wgsl" with { type: "text" };
import cacheFillCode from "../../../wgsl/cache_fill.wgsl" with { type: "text" };
import convChunkCode from "../../../wgsl/conv_chunk.wgsl" with { type: "text" };
import convStateCode from "../../../wgsl/conv_chunk_state.wgsl" with { type: "text" };
import scanInputsCode from "../../../wgsl/scan_chunk_inputs.wgsl" with { type: "text" };
import scanStateCode from "../../../wgsl/scan_chunk_state.wgsl" with { type: "text" };
import { SCAN_CHUNK, selectiveScanForward as scanForward } from "../../ops/selective_scan.ts";
import { withRows } from "../../tensor/mod.ts";
import { kernel, type Launch, type Lowering, placeOf, specialised } from "../launch.ts";
import { groupsOf } from "./attention_groups.ts";
import { selectiveScanForward } from "./selective_scan.ts";
import { forWidths, widthOf } from "./width.ts";

const ATTENTION_CHUNK = forWidths(
  "attention_chunk",
  (name, vec) => kernel(name, vec, attentionGroups, attentionChunkCode),
);
const CACHE_FILL = kernel("cache_fill", cacheFillCode);
const CONV_CHUNK = kernel("conv_chunk", activations, convChunkCode);
const CONV_STATE = kernel("conv_chunk_state", convStateCode);
const SCAN_INPUTS = kernel("scan_chunk_inputs", scanInputsCode);
const SCAN_STATE = kernel("scan_chunk_state", scanStateCode);

/** Invocations of a workgroup in all of these kernels. */
const LANES = 64;

export const attentionChunk: Lowering<"attention_chunk"> = (
  { attributes: { B, T, S, H, G, K, Kv, window, meta }, reads: { q, k, v, kCache, vCache, start }, writes: { o } },
) => {
  const width = widthOf([K, Kv], [q, k, v, kCache, vCache, o]), columns = Kv / width;
  return [{
    kernel: specialised(ATTENTION_CHUNK[width], groupsOf(columns)),
    constants: {
      T,
      S,
      H,
      G,
      K,
      KV: Kv,
      WINDOW: window,
      META: meta,
      ...placeOf("Q", q),
      ...placeOf("K", k),
      ...placeOf("V", v),
      ...placeOf("O", o),
    },
    reads: [q, k, v, kCache, vCache, start],
    writes: [o],
    grid: [H, T, B],
  }];
};

export const cacheFill: Lowering<"cache_fill"> = (
  { attributes: { B, T, S, G, K, Kv, window, meta }, reads: { k, v, start, count }, writes: { kCache, vCache } },
) => [{
  kernel: CACHE_FILL,
  constants: {
    T,
    S,
    K_COLUMNS: G * K,
    V_COLUMNS: G * Kv,
    WINDOW: window,
    META: meta,
    ...placeOf("K", k),
    ...placeOf("V", v),
  },
  reads: [k, v, start, count],
  writes: [kCache, vCache],
  grid: [Math.ceil(G * Math.max(K, Kv) / LANES), T, B],
}];

export const convChunk: Lowering<"conv_chunk"> = (
  { attributes: { B, T, I, J }, reads: { x, w, bias, count }, writes: { y, state } },
  { scratch },
) => {
  const filter: Launch = {
    kernel: CONV_CHUNK,
    constants: { T, I, J, HAS_BIAS: bias ? 1 : 0, ...placeOf("X", x), ...placeOf("Y", y) },
    reads: [x, w, bias ?? w, J > 1 ? state : scratch("state", [1])], // one tap keeps nothing, and nothing cannot be bound
    writes: [y],
    grid: [Math.ceil(I / LANES), T, B],
  };
  if (J === 1) return [filter];
  return [filter, {
    kernel: CONV_STATE,
    constants: { T, I, J, ...placeOf("X", x) },
    reads: [x, count],
    writes: [state],
    grid: [Math.ceil(I / LANES), B, 1],
  }];
};

export const scanChunk: Lowering<"scan_chunk"> = (
  { attributes: { B, T, I, N, softplus }, reads, writes: { y, state } },
  context,
) => {
  const { udt, bc, z, aLog, skip, dtBias, count } = reads, chunks = Math.ceil(T / SCAN_CHUNK);
  const held = withRows(context.scratch("held inputs", [B, T, 2, I]), 2);
  const states = context.scratch("states", [B, chunks + 1, I, N]);
  const scan = selectiveScanForward({
    op: scanForward,
    attributes: { B, T, I, N, chunk: SCAN_CHUNK, chunks, softplus },
    reads: { udt: held, bc, z, aLog, skip, dtBias, h0: state },
    writes: { y, states },
    accumulate: [],
    flops: 0,
  }, context);
  return [
    {
      kernel: SCAN_INPUTS,
      constants: { T, I, SOFTPLUS: softplus, HAS_BIAS: dtBias ? 1 : 0, ...placeOf("UDT", udt) },
      reads: [udt, count, dtBias ?? aLog],
      writes: [held],
      grid: [Math.ceil(2 * I / LANES), T, B],
    },
    ...scan,
    {
      kernel: SCAN_STATE,
      constants: { ENTRIES: chunks + 1, STATES: I * N },
      reads: [states],
      writes: [state],
      grid: [Math.ceil(I * N / LANES), B, 1],
    },
  ];
};
