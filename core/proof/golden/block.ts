/** Golden cases of the hybrid-head block: one layer's mixer on normalised input. */
import { ArchType, HymbaConfig } from "../../config/mod.ts";
import { at, present } from "../../lists.ts";
import { mixer } from "../../nn/block.ts";
import { WholeSequences } from "../../nn/mixing.ts";
import { fusionForward } from "../../ops/fusion.ts";
import { rotaryTable } from "../../ops/rotary.ts";
import { isStepOf, sizeOf, type Tensor } from "../../tensor/mod.ts";
import { BOUNDS } from "./bounds.ts";
import type { Comparison, Target } from "./compare.ts";
import type { GoldenFile } from "./file.ts";
import { partOf } from "./layout.ts";
import { packedNumbers, packing } from "./names.ts";
import { usesRotary } from "./operators.ts";
import { Recording } from "./recording.ts";

const LAYER = "layers.0.";
/** The parameters of a layer that do not belong to its mixer. */
const OUTSIDE = ["norm1", "norm2", "ffn.gate_up", "ffn.down"].map((name) => LAYER + name);

function configOf(file: GoldenFile): HymbaConfig {
  const dModel = at(file.ranked("x", "B,T,d").shape, 2), meta = file.number("meta");
  return new HymbaConfig({
    vocabSize: 1,
    nLayers: 1,
    archType: ArchType.HYBRID,
    dModel,
    nHeads: file.number("H"),
    nKvHeads: file.number("KV"),
    headDim: file.number("hd"),
    valueHeadDim: file.number("vd"),
    mambaExpand: file.number("d_inner") / dModel,
    stateSize: file.number("N"),
    dtRank: file.number("dt_rank"),
    convKernel: at(file.ranked("conv_w", "di,K").shape, 1),
    normEps: file.number("eps"),
    useMetaTokens: meta > 0,
    numMetaTokens: meta,
    innerNorms: false,
    useKvSharing: false,
  });
}

/** The rotary table [T, 2, K / 2]. Without a rotary embedding all its angles are 0. */
function tableOf(file: GoldenFile, { T, K }: { T: number; K: number }): Float32Array<ArrayBuffer> {
  if (usesRotary(file)) return rotaryTable(T, K, { base: file.number("theta") });
  return Float32Array.from({ length: T * K }, (_, i) => i % K < K / 2 ? 1 : 0);
}

function blockCase(file: GoldenFile): Recording {
  const config = configOf(file), K = config.headDim, recording = new Recording(file), { tape } = recording;
  const T = at(file.tensor("x").shape, 1), parameters = new Map<string, Tensor>();
  const packed = packing(file, { config, names: file.namesUnder(""), within: LAYER, without: OUTSIDE });
  for (const one of packed) {
    const tensor = recording.packed(one.name, one.shape, packedNumbers(file, one, ""));
    parameters.set(one.name.slice(LAYER.length), tensor);
    for (const { name, shape, start } of one.parts) {
      recording.gradient(`d_${name}`, tensor, partOf({ start, length: sizeOf(shape) }));
    }
  }
  const y = mixer(tape, recording.input("x"), {
    config,
    layer: { index: 0, attention: true, mamba: true, window: file.number("window"), kvOwner: 0 },
    parameters: (name) => present(parameters.get(name), `parameter ${name}`),
    rotaryTable: tape.constant("rotary table", [T, 2, K / 2], tableOf(file, { T, K })),
    mixing: new WholeSequences(tape, config),
  });
  const fusion = tape.steps.find((step) => isStepOf(step, fusionForward));
  recording.seed(y, "dy");
  recording.output("y", y);
  recording.output("attn_out", present(fusion?.reads.a, "the attention branch of the block"));
  recording.output("mamba_out", present(fusion?.reads.m, "the Mamba branch of the block"));
  return recording;
}

export async function compareBlock(file: GoldenFile, target: Target): Promise<Comparison[]> {
  return await blockCase(file).compare(target, BOUNDS.model);
}
