import type { Lowering } from "../launch.ts";
import { chunkWorkspace, padded, QUERIES } from "./attention.ts";

export const attentionChunk: Lowering<"attention_chunk"> = (
  { attributes: { B, T, S, H, G, K, Kv, window, meta }, reads: { q, k, v, kCache, vCache, start }, writes: { o } },
) => {
  const strides = { strideQ: q.rowStride, strideK: k.rowStride, strideV: v.rowStride, strideO: o.rowStride };
  return [{
    kernel: "attention_chunk",
    args: { q, k, v, kCache, vCache, start, o, ...strides, T, S, H, G, K, Kv, window, meta },
    blocks: B * H * Math.ceil(T / QUERIES),
    workspace: chunkWorkspace({ K, Kv }),
  }];
};

export const cacheFill: Lowering<"cache_fill"> = (
  { attributes: { B, T, S, G, K, Kv, window, meta }, reads: { k, v, start, count }, writes: { kCache, vCache } },
) => {
  const strides = { strideK: k.rowStride, strideV: v.rowStride };
  return [{
    kernel: "cache_fill",
    args: { k, v, start, count, kCache, vCache, ...strides, T, S, G, K, Kv, window, meta },
    blocks: B,
  }];
};

/** Channels of one block (kernels/causal_conv.ts). */
const CHANNELS = 32;

export const convChunk: Lowering<"conv_chunk"> = (
  { attributes: { B, T, I, J }, reads: { x, w, bias, count }, writes: { y, state } },
) => [{
  kernel: "conv_chunk",
  args: { x, w, bias, count, state, y, strideX: x.rowStride, strideY: y.rowStride, T, I, J },
  blocks: B * Math.ceil(I / CHANNELS),
  workspace: 4 * (padded(J, 4) + 2 * (J - 1 + T)),
}];
