import activations from "../../../wgsl/lib/activations.wgsl" with { type: "text" };
import attentionDecodeCode from "../../../wgsl/attention_decode.wgsl" with { type: "text" };
import attentionGroups from "../../../wgsl/lib/attention_groups.wgsl" with { type: "text" };
import cacheAppendCode from "../../../wgsl/cache_append.wgsl" with { type: "text" };
import convStepCode from "../../../wgsl/conv_step.wgsl" with { type: "text" };
import embedStepCode from "../../../wgsl/embed_step.wgsl" with { type: "text" };
import scanStepCode from "../../../wgsl/scan_step.wgsl" with { type: "text" };
import { kernel, type Lowering, placesOf, specialised } from "../launch.ts";
import { groupsOf } from "./attention_groups.ts";
import { forWidths, widthOf } from "./width.ts";

const ATTENTION_DECODE = forWidths(
  "attention_decode",
  (name, vec) => kernel(name, vec, attentionGroups, attentionDecodeCode),
);
const EMBED_STEP = kernel("embed_step", embedStepCode);
const CACHE_APPEND = kernel("cache_append", cacheAppendCode);
const CONV_STEP = kernel("conv_step", activations, convStepCode);
const SCAN_STEP = kernel("scan_step", activations, scanStepCode);

/** Invocations of a workgroup in all kernels of this file. */
const LANES = 64;

export const embedStep: Lowering<"embed_step"> = (
  { attributes: { B, D, M }, reads: { token, position, table, meta }, writes: { x } },
) => [{
  kernel: EMBED_STEP,
  constants: { B, M, D },
  reads: [token, position, table, meta ?? table],
  writes: [x],
  grid: [Math.ceil(B * D / LANES), 1, 1],
}];

export const cacheAppend: Lowering<"cache_append"> = (
  { attributes: { B, S, G, K, Kv, window, meta }, reads: { k, v, position }, writes: { kCache, vCache } },
) => [{
  kernel: CACHE_APPEND,
  constants: { S, K_COLUMNS: G * K, V_COLUMNS: G * Kv, WINDOW: window, META: meta, ...placesOf({ K: k, V: v }) },
  reads: [k, v, position],
  writes: [kCache, vCache],
  grid: [Math.ceil(G * Math.max(K, Kv) / LANES), B, 1],
}];

export const attentionDecode: Lowering<"attention_decode"> = (
  { attributes: { B, S, H, G, K, Kv, window, meta }, reads: { q, kCache, vCache, position }, writes: { o } },
) => {
  const width = widthOf([K, Kv], [q, kCache, vCache, o]);
  return [{
    kernel: specialised(ATTENTION_DECODE[width], groupsOf(Kv / width)),
    constants: { S, H, G, K, KV: Kv, WINDOW: window, META: meta, ...placesOf({ Q: q, O: o }) },
    reads: [q, kCache, vCache, position],
    writes: [o],
    grid: [H, B, 1],
  }];
};

export const convStep: Lowering<"conv_step"> = (
  { attributes: { B, I, J }, reads: { x, w, bias }, writes: { y, state } },
  { scratch },
) => [{
  kernel: CONV_STEP,
  constants: { I, J, HAS_BIAS: bias ? 1 : 0, ...placesOf({ X: x, Y: y }) },
  reads: [x, w, bias ?? w],
  writes: [y, J > 1 ? state : scratch("state", [1])], // with one tap the state is empty, and WebGPU cannot bind an empty buffer
  grid: [Math.ceil(I / LANES), B, 1],
}];

export const scanStep: Lowering<"scan_step"> = ({ attributes: { B, I, N, softplus }, reads, writes: { y, state } }) => {
  const { udt, bc, z, aLog, skip, dtBias } = reads;
  const has = { HAS_Z: z ? 1 : 0, HAS_SKIP: skip ? 1 : 0, HAS_BIAS: dtBias ? 1 : 0 };
  const places = placesOf({ UDT: udt, BC: bc, Z: z ?? udt, Y: y });
  return [{
    kernel: SCAN_STEP,
    constants: { I, N, SOFTPLUS: softplus, ...has, ...places },
    reads: [udt, bc, z ?? udt, aLog, skip ?? aLog, dtBias ?? aLog],
    writes: [y, state],
    grid: [Math.ceil(I / LANES), B, 1],
  }];
};
