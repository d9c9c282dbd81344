/** The lowering of every op on WebGPU, by its name. */
import type { ForSteps } from "../../ops/registry.ts";
import type { Launch, LowerContext } from "../launch.ts";
import { attentionBackward, attentionForward } from "./attention.ts";
import { linearLogpBackward, linearLogpForward } from "./linear_logp.ts";
import { lossScale } from "./loss_scale.ts";
import { mixBackward, mixForward } from "./mix.ts";
import { nllLossBackward, nllLossForward, orpoLossBackward, orpoLossForward } from "./losses.ts";
import { rotary } from "./rotary.ts";
import { attentionMap } from "./attention_map.ts";
import { matmul } from "./matmul.ts";
import { rmsnormBackward, rmsnormForward } from "./rmsnorm.ts";
import { selectiveScanBackward, selectiveScanForward } from "./selective_scan.ts";
import { causalConvBackward, causalConvForward } from "./causal_conv.ts";
import { swigluBackward, swigluForward } from "./swiglu.ts";
import { attentionChunk, cacheFill, convChunk, scanChunk } from "./chunk.ts";
import { sample } from "./sample.ts";
import { attentionDecode, cacheAppend, convStep, embedStep, scanStep } from "./decode.ts";
import { croppedAttentionBackward, croppedAttentionForward } from "./cropped_attention.ts";
import { embeddingBackward, embeddingForward } from "./embedding.ts";
import { fusionBackward, fusionForward } from "./fusion.ts";
import { textRowsBackward, textRowsForward } from "./text_rows.ts";
import { adamw, gradientNorm } from "./optimizer.ts";
import { packHalves, unpackHalves } from "./halves.ts";

export const LOWERINGS: ForSteps<[LowerContext], Launch[]> = {
  matmul,
  attention_map: attentionMap,
  linear_logp_forward: linearLogpForward,
  linear_logp_backward: linearLogpBackward,
  rotary,
  mix_forward: mixForward,
  mix_backward: mixBackward,
  nll_loss_forward: nllLossForward,
  nll_loss_backward: nllLossBackward,
  orpo_loss_forward: orpoLossForward,
  orpo_loss_backward: orpoLossBackward,
  attention_forward: attentionForward,
  attention_backward: attentionBackward,
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
  embed_step: embedStep,
  cache_append: cacheAppend,
  attention_decode: attentionDecode,
  attention_chunk: attentionChunk,
  cache_fill: cacheFill,
  conv_chunk: convChunk,
  scan_chunk: scanChunk,
  sample,
  conv_step: convStep,
  cropped_attention_backward: croppedAttentionBackward,
  cropped_attention_forward: croppedAttentionForward,
  scan_step: scanStep,
};
