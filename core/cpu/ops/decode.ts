import { isContiguous, type Tensor } from "../../tensor/mod.ts";
import { HymbaError } from "../../errors.ts";
import { type Lowering, stridesOf } from "../launch.ts";

/** Channels of one block of the scan. */
const CHANNELS = 64;

/** Throws a HymbaError for a slice: the kernels need whole caches and states. */
function requireWhole(...tensors: (Tensor | undefined)[]): void {
  for (const x of tensors) {
    if (x && !isContiguous(x)) throw new HymbaError(`${x.name}: a cache or state cannot be a slice`);
  }
}

export const embedStep: Lowering<"embed_step"> = (
  { attributes: { B, V, D, M }, reads: { token, position, table, meta }, writes: { x } },
) => [{ kernel: "embed_step", args: { token, position, table, meta, x, strideX: x.rowStride, V, D, M }, blocks: B }];

export const cacheAppend: Lowering<"cache_append"> = (
  { attributes: { B, S, G, K, Kv, window, meta }, reads: { k, v, position }, writes: { kCache, vCache } },
) => {
  requireWhole(kCache, vCache);
  return [{
    kernel: "cache_append",
    args: { k, v, position, kCache, vCache, ...stridesOf({ k, v }), S, G, K, Kv, window, meta },
    blocks: B,
  }];
};

export const attentionDecode: Lowering<"attention_decode"> = (
  { attributes: { B, S, H, G, K, Kv, window, meta }, reads: { q, kCache, vCache, position }, writes: { o } },
) => {
  requireWhole(kCache, vCache);
  return [{
    kernel: "attention_decode",
    args: { q, kCache, vCache, position, o, ...stridesOf({ q, o }), S, H, G, K, Kv, window, meta },
    blocks: B * H,
    workspace: S,
  }];
};

export const convStep: Lowering<"conv_step"> = (
  { attributes: { B, I, J }, reads: { x, w, bias }, writes: { y, state } },
) => {
  requireWhole(state);
  return [{
    kernel: "conv_step",
    args: { x, w, bias, state, y, ...stridesOf({ x, y }), I, J },
    blocks: B,
    workspace: I,
  }];
};

export const scanStep: Lowering<"scan_step"> = (
  { attributes: { B, I, N, softplus }, reads: { udt, bc, z, aLog, skip, dtBias }, writes: { y, state } },
) => {
  requireWhole(state);
  const strides = stridesOf({ udt, bc, z, y });
  return [{
    kernel: "scan_step",
    args: { udt, bc, z, aLog, skip, dtBias, state, y, ...strides, I, N, softplus, channels: CHANNELS },
    blocks: B * Math.ceil(I / CHANNELS),
    workspace: 12,
  }];
};
