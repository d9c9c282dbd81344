/**
 * Every op of the program, in one list. The types here make an executor that lacks an op, or implements one that does not exist,
 * fail to compile.
 */
import { HymbaError } from "../errors.ts";
import type { Step } from "../tensor/mod.ts";
import { attentionBackward, attentionForward } from "./attention.ts";
import { attentionMapOp } from "./attention_map.ts";
import { causalConvBackward, causalConvForward } from "./causal_conv.ts";
import { attentionChunkOp, cacheFillOp, convChunkOp, scanChunkOp } from "./chunk.ts";
import { croppedAttentionBackward, croppedAttentionForward } from "./cropped_attention.ts";
import { attentionDecodeOp, cacheAppendOp, convStepOp, embedStepOp, scanStepOp } from "./decode.ts";
import { embeddingBackward, embeddingForward } from "./embedding.ts";
import { fusionBackward, fusionForward } from "./fusion.ts";
import { packHalvesOp, unpackHalvesOp } from "./halves.ts";
import { matmulOp } from "./linear.ts";
import { linearLogpBackward, linearLogpForward } from "./linear_logp.ts";
import { lossScaleOp } from "./loss_scale.ts";
import { nllLossBackward, nllLossForward, orpoLossBackward, orpoLossForward } from "./losses.ts";
import { mixBackward, mixForward } from "./mix.ts";
import { adamwOp, gradientNormOp } from "./optimizer.ts";
import { rmsnormBackward, rmsnormForward } from "./rmsnorm.ts";
import { rotaryOp } from "./rotary.ts";
import { sampleOp } from "./sample.ts";
import { selectiveScanBackward, selectiveScanForward } from "./selective_scan.ts";
import { swigluBackward, swigluForward } from "./swiglu.ts";
import { textRowsBackward, textRowsForward } from "./text_rows.ts";

export const OPS = [
  adamwOp,
  gradientNormOp,
  lossScaleOp,
  attentionForward,
  attentionBackward,
  attentionMapOp,
  croppedAttentionForward,
  croppedAttentionBackward,
  attentionDecodeOp,
  cacheAppendOp,
  convStepOp,
  embedStepOp,
  scanStepOp,
  attentionChunkOp,
  cacheFillOp,
  convChunkOp,
  scanChunkOp,
  sampleOp,
  causalConvForward,
  causalConvBackward,
  embeddingForward,
  embeddingBackward,
  fusionForward,
  fusionBackward,
  linearLogpForward,
  linearLogpBackward,
  matmulOp,
  mixForward,
  mixBackward,
  nllLossForward,
  nllLossBackward,
  orpoLossForward,
  orpoLossBackward,
  packHalvesOp,
  unpackHalvesOp,
  rmsnormForward,
  rmsnormBackward,
  rotaryOp,
  selectiveScanForward,
  selectiveScanBackward,
  swigluForward,
  swigluBackward,
  textRowsForward,
  textRowsBackward,
] as const;

type AnyOp = typeof OPS[number];
export type OpName = AnyOp["name"];
export type OpNamed<N extends OpName> = Extract<AnyOp, { readonly name: N }>;
/** A step of the op with this name: its attributes, reads and writes have their names and no others. */
export type StepNamed<N extends OpName> = Step<OpNamed<N>>;

/** The attributes of the op with this name. */
export type AttributesNamed<N extends OpName> = StepNamed<N>["attributes"];

/** One entry for each op, by its name. Every executor has such a table. */
export type ForSteps<Context extends readonly unknown[], Result> = {
  readonly [N in OpName]: (step: StepNamed<N>, ...context: Context) => Result;
};

/** The name of a step's op. Throws a HymbaError for an op that is not in the registry. */
export function nameOfOp({ op }: Step): OpName {
  const found = OPS.find(({ name }) => name === op.name);
  if (!found) throw new HymbaError(`the op ${op.name} is not in core/ops/registry.ts`);
  return found.name;
}

/** The entry of a step's op in such a table. Throws a HymbaError for an op that is not in the registry. */
export const entryFor = <Context extends readonly unknown[], Result>(
  table: ForSteps<Context, Result>,
  step: Step,
): (step: Step, ...context: Context) => Result => table[nameOfOp(step)] as (step: Step, ...context: Context) => Result;
