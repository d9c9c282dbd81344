/** Sizes that follow from a configuration: caches in bytes and both reduction figures. */
import type { HymbaConfig } from "./model.ts";
import { layersOf } from "./layers.ts";

/** Sizes of the caches of one sequence. */
export interface CacheSize {
  /** Layers with attention / distinct key–value caches. 1 for a model without attention. */
  readonly layerRatio: number;
  /** All layers of a full-attention model of this shape without meta tokens, in bytes, over `kvBytes`; undefined without attention. */
  readonly byteRatio: number | undefined;
  /** Keys and values, meta tokens included. */
  readonly kvBytes: number;
  /** State of scan and convolution. */
  readonly stateBytes: number;
}

/**
 * Bytes of the caches for one sequence of T text tokens. A local layer keeps M + min(T, W) slots, a global one M + T.
 * `elementBytes`: 4 as the engine stores them, 2 as the paper counts.
 */
export function cacheSize(config: HymbaConfig, T: number, { elementBytes = 4 } = {}): CacheSize {
  const layers = layersOf(config), M = config.metaTokens;
  const { nKvHeads, headDim, valueHeadDim, innerDim, stateSize, convKernel, dModel, nHeads, attentionConv } = config;
  const attention = layers.filter((layer) => layer.attention);
  const owners = attention.filter(({ kvOwner, index }) => kvOwner === index);
  const slots = owners.reduce((sum, { window }) => sum + M + (window > 0 ? Math.min(T, window) : T), 0);
  const kvBytes = slots * nKvHeads * (headDim + valueHeadDim) * elementBytes;
  const full = config.nLayers * T * nKvHeads * 2 * (dModel / nHeads) * elementBytes;
  const mamba = layers.filter((layer) => layer.mamba).length, states = config.state === "on" ? stateSize : 0;
  const columns = (owns: boolean) => nHeads * headDim + (owns ? nKvHeads * (headDim + valueHeadDim) : 0);
  const convolved = attention.reduce((sum, { kvOwner, index }) => sum + columns(kvOwner === index), 0);
  return {
    layerRatio: owners.length === 0 ? 1 : config.nLayers / owners.length,
    byteRatio: owners.length === 0 ? undefined : full / kvBytes,
    kvBytes,
    stateBytes: elementBytes *
      (mamba * innerDim * (states + convKernel - 1) + convolved * Math.max(0, attentionConv - 1)),
  };
}
