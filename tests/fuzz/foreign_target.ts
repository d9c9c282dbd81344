import { strict as assert } from "node:assert";
import { layersOf } from "../../core/config/mod.ts";
import { parseJson } from "../../core/disk/mod.ts";
import { isLlamaConfiguration, readLlamaConfiguration } from "../../core/export/huggingface.ts";
import { isHymbaConfiguration, readHymbaConfiguration } from "../../core/export/nvidia.ts";
import { isPytorchConfiguration, readPytorchConfiguration } from "../../core/export/pytorch.ts";
import { modelRecordOf } from "../../core/record/mod.ts";
import type { Dice } from "./dice.ts";
import { spoilt } from "./spoil.ts";
import type { FuzzTarget } from "./targets.ts";

const model = { vocabSize: 50, dModel: 16, nLayers: 3, nHeads: 4, nKvHeads: 2, archType: "hymba" };
const PYTORCH = {
  ...{ format: "hymba-pytorch", version: 1, name: "hymba", source: "a test", sequenceLength: 32 },
  tokenizer: "0".repeat(64),
  model: { ...model, innerDim: 32, metaTokens: 64 },
  layers: [],
};
const LLAMA = {
  ...{ model_type: "llama", vocab_size: 50, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 3 },
  ...{ num_attention_heads: 4, num_key_value_heads: 2, head_dim: 4, hidden_act: "silu", rms_norm_eps: 1e-6 },
  ...{ rope_theta: 1e4, rope_parameters: { rope_theta: 1e4, rope_type: "default" }, tie_word_embeddings: true },
};
const HYMBA = {
  ...{ model_type: "hymba", vocab_size: 50, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 5 },
  ...{ num_attention_heads: 4, num_key_value_heads: 2, mamba_d_state: 8, mamba_d_conv: 4, mamba_expand: 2 },
  ...{
    mamba_dt_rank: 2,
    num_memory_tokens: 4,
    sliding_window: 8,
    global_attn_idx: [0, 4],
    kv_reuse_group: [[1, 2, 3]],
  },
  ...{ rope_type: "ntk", max_position_embeddings: 64, orig_max_position_embeddings: 32, tie_word_embeddings: true },
};
const FOLDER = {
  ...{ format: 1, name: "llama", source: "a test", sequenceLength: 32, config: model },
  tokenizer: { file: "tokenizer.model", sha256: "0".repeat(64) },
};

function generate(dice: Dice): { bytes: Uint8Array<ArrayBuffer>; sound: boolean } {
  const made = dice.pick<object>([PYTORCH, LLAMA, HYMBA, FOLDER]), sound = dice.once(2);
  const value = sound ? made : spoilt(JSON.parse(JSON.stringify(made)), dice);
  return { bytes: new TextEncoder().encode(JSON.stringify(value)), sound };
}

/** The reader that the kind of the configuration chooses, as an import does. */
function read(value: unknown) {
  if (isPytorchConfiguration(value)) return readPytorchConfiguration(value, "input");
  if (isLlamaConfiguration(value)) return readLlamaConfiguration(value, "input");
  if (isHymbaConfiguration(value)) return readHymbaConfiguration(value, "input");
  return modelRecordOf(value, "input");
}

/** An accepted configuration makes layers, whose keys exist. */
function parse(bytes: Uint8Array<ArrayBuffer>): boolean {
  const { config, sequenceLength } = read(parseJson(new TextDecoder().decode(bytes), "input"));
  assert(Number.isSafeInteger(sequenceLength) && sequenceLength > 0);
  for (const { index, kvOwner } of layersOf(config)) assert(kvOwner <= index && kvOwner >= 0);
  return true;
}

/** The readers of the configurations that `hymba import` takes, and of the one that it writes. */
export const foreignTarget: FuzzTarget = { generate, parse };
