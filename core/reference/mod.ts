/**
 * This folder: every step as plain float64 loops, with which the kernels are compared.
 * The float64 reference of every op: plain loops that a reader can compare with the formulas of the papers. Kernels are tested
 * against them. The shapes of what a reference reads and writes are those of the op's definition in core/ops.
 */
import { nameOfOp } from "../ops/registry.ts";
import type { Attributes, Step } from "../tensor/mod.ts";
import type { Array64 } from "./typed_array.ts";
import { attentionBackward, attentionForward } from "./attention.ts";
import { attentionMap } from "./attention_map.ts";
import { causalConvBackward, causalConvForward } from "./causal_conv.ts";
import { attentionChunk, cacheFill, convChunk, scanChunk } from "./chunk.ts";
import { croppedAttentionBackward, croppedAttentionForward } from "./cropped_attention.ts";
import { attentionDecode, cacheAppend, convStep, embedStep, scanStep } from "./decode.ts";
import { embeddingBackward, embeddingForward } from "./embedding.ts";
import { fusionBackward, fusionForward } from "./fusion.ts";
import { packHalves, unpackHalves } from "./halves.ts";
import { linearLogpBackward, linearLogpForward } from "./linear_logp.ts";
import { mixBackward, mixForward } from "./mix.ts";
import { nllLossBackward, nllLossForward, orpoLossBackward, orpoLossForward } from "./losses.ts";
import { lossScale } from "./loss_scale.ts";
import { matmul } from "./matmul.ts";
import { adamw, gradientNorm } from "./optimizer.ts";
import { rmsnormBackward, rmsnormForward } from "./rmsnorm.ts";
import { rotary } from "./rotary.ts";
import { sample } from "./sample.ts";
import { selectiveScanBackward, selectiveScanForward } from "./selective_scan.ts";
import { swigluBackward, swigluForward } from "./swiglu.ts";
import { textRowsBackward, textRowsForward } from "./text_rows.ts";
import type { References } from "./types.ts";

export const REFERENCES: References = {
  matmul,
  rmsnorm_forward: rmsnormForward,
  rmsnorm_backward: rmsnormBackward,
  selective_scan_forward: selectiveScanForward,
  selective_scan_backward: selectiveScanBackward,
  causal_conv_forward: causalConvForward,
  causal_conv_backward: causalConvBackward,
  swiglu_forward: swigluForward,
  swiglu_backward: swigluBackward,
  embedding_forward: embeddingForward,
  embedding_backward: embeddingBackward,
  text_rows_forward: textRowsForward,
  text_rows_backward: textRowsBackward,
  fusion_forward: fusionForward,
  fusion_backward: fusionBackward,
  gradient_norm: gradientNorm,
  loss_scale: lossScale,
  adamw,
  pack_halves: packHalves,
  unpack_halves: unpackHalves,
  attention_forward: attentionForward,
  attention_backward: attentionBackward,
  attention_map: attentionMap,
  cropped_attention_forward: croppedAttentionForward,
  cropped_attention_backward: croppedAttentionBackward,
  rotary,
  linear_logp_forward: linearLogpForward,
  linear_logp_backward: linearLogpBackward,
  mix_forward: mixForward,
  mix_backward: mixBackward,
  nll_loss_forward: nllLossForward,
  nll_loss_backward: nllLossBackward,
  orpo_loss_forward: orpoLossForward,
  orpo_loss_backward: orpoLossBackward,
  embed_step: embedStep,
  cache_append: cacheAppend,
  attention_decode: attentionDecode,
  conv_step: convStep,
  scan_step: scanStep,
  attention_chunk: attentionChunk,
  cache_fill: cacheFill,
  conv_chunk: convChunk,
  scan_chunk: scanChunk,
  sample,
};

/** Arrays by role. */
export type Arrays = Readonly<Record<string, Array64>>;

/** The reference of a step, whatever its op. Throws a HymbaError for an op that is not in the registry. */
export function referenceFor(step: Step): (reads: Arrays, attributes: Attributes) => Arrays {
  return REFERENCES[nameOfOp(step)] as (reads: Arrays, attributes: Attributes) => Arrays;
}
