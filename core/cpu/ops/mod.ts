/** The lowering of every op on the CPU, by its name. */
import type { ForSteps } from "../../ops/registry.ts";
import type { Launch, LowerContext } from "../launch.ts";
import { attentionBackward, attentionForward, attentionMap } from "./attention.ts";
import { causalConvBackward, causalConvForward } from "./causal_conv.ts";
import { attentionChunk, cacheFill, convChunk } from "./chunk.ts";
import { attentionDecode, cacheAppend, convStep, embedStep, scanStep } from "./decode.ts";
import { croppedAttentionBackward, croppedAttentionForward } from "./cropped_attention.ts";
import { embeddingBackward, embeddingForward } from "./embedding.ts";
import { fusionBackward, fusionForward } from "./fusion.ts";
import { packHalves, unpackHalves } from "./halves.ts";
import { linearLogpBackward, linearLogpForward } from "./linear_logp.ts";
import { lossScale } from "./loss_scale.ts";
import { mixBackward, mixForward } from "./mix.ts";
import { nllLossBackward, nllLossForward, orpoLossBackward, orpoLossForward } from "./losses.ts";
import { matmul } from "./matmul.ts";
import { adamw, gradientNorm } from "./optimizer.ts";
import { rmsnormBackward, rmsnormForward } from "./rmsnorm.ts";
import { rotary } from "./rotary.ts";
import { sample } from "./sample.ts";
import { scanChunk, selectiveScanBackward, selectiveScanForward } from "./selective_scan.ts";
import { swigluBackward, swigluForward } from "./swiglu.ts";
import { textRowsBackward, textRowsForward } from "./text_rows.ts";

export const LOWERINGS: ForSteps<[LowerContext], Launch[]> = {
  adamw,
  attention_backward: attentionBackward,
  attention_chunk: attentionChunk,
  attention_decode: attentionDecode,
  attention_forward: attentionForward,
  attention_map: attentionMap,
  cache_append: cacheAppend,
  cache_fill: cacheFill,
  causal_conv_backward: causalConvBackward,
  causal_conv_forward: causalConvForward,
  conv_chunk: convChunk,
  conv_step: convStep,
  cropped_attention_backward: croppedAttentionBackward,
  cropped_attention_forward: croppedAttentionForward,
  embed_step: embedStep,
  embedding_backward: embeddingBackward,
  embedding_forward: embeddingForward,
  fusion_backward: fusionBackward,
  fusion_forward: fusionForward,
  gradient_norm: gradientNorm,
  linear_logp_backward: linearLogpBackward,
  linear_logp_forward: linearLogpForward,
  loss_scale: lossScale,
  matmul,
  mix_backward: mixBackward,
  mix_forward: mixForward,
  nll_loss_backward: nllLossBackward,
  nll_loss_forward: nllLossForward,
  orpo_loss_backward: orpoLossBackward,
  orpo_loss_forward: orpoLossForward,
  pack_halves: packHalves,
  rmsnorm_backward: rmsnormBackward,
  rmsnorm_forward: rmsnormForward,
  rotary,
  sample,
  scan_chunk: scanChunk,
  scan_step: scanStep,
  selective_scan_backward: selectiveScanBackward,
  selective_scan_forward: selectiveScanForward,
  swiglu_backward: swigluBackward,
  swiglu_forward: swigluForward,
  text_rows_backward: textRowsBackward,
  text_rows_forward: textRowsForward,
  unpack_halves: unpackHalves,
};
