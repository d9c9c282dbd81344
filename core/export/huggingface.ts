/** `transformer-global` as a Llama of Hugging Face's Transformers, and a Llama from there. Source: its `LlamaConfig`. */
import { ArchType, HymbaConfig } from "../config/mod.ts";
import { UsageError } from "../errors.ts";
import { type Checked, isObject, nullOr, number, object, oneOf, optional, readAs, whole } from "../file_schema.ts";
import { encodeSafetensors, type StoredTensor } from "../params/safetensors.ts";
import { jsonText } from "../record/mod.ts";
import { type ExportedModel, type Files, tokenizerFiles, type Weights } from "./exported.ts";
import { type FixedField, requireFixed } from "./fixed_fields.ts";
import { type ForeignTensors, takeTensors } from "./foreign_tensors.ts";
import { llamaParts, valuesOfPart, weightsOfParts } from "./llama_layout.ts";
import { requireLlama } from "./llama_refusal.ts";
import { requireTiedHead } from "./tied_head.ts";

/** config.json. Newer versions read `rope_parameters`, older ones `rope_theta`. Our texts have no token for begin or end. */
const configuration = ({ config, sequenceLength }: ExportedModel) => ({
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  attention_bias: false,
  attention_dropout: 0,
  bos_token_id: null,
  eos_token_id: null,
  head_dim: config.headDim,
  hidden_act: "silu",
  hidden_size: config.dModel,
  initializer_range: Math.min(1, config.initDeviation),
  intermediate_size: config.ffnHidden,
  max_position_embeddings: sequenceLength,
  mlp_bias: false,
  num_attention_heads: config.nHeads,
  num_hidden_layers: config.nLayers,
  num_key_value_heads: config.nKvHeads,
  pretraining_tp: 1,
  rms_norm_eps: config.normEps,
  rope_parameters: { rope_theta: config.ropeBase, rope_type: "default" },
  rope_scaling: null,
  rope_theta: config.ropeBase,
  tie_word_embeddings: true,
  torch_dtype: "float32",
  use_cache: true,
  vocab_size: config.vocabSize,
});

/** tokenizer_config.json: the tokenizer is only a tokenizer.json, and nothing is added before or after a text. */
const tokenizerConfiguration = ({ sequenceLength }: ExportedModel) => ({
  tokenizer_class: "PreTrainedTokenizerFast",
  add_bos_token: false,
  add_eos_token: false,
  clean_up_tokenization_spaces: false,
  model_max_length: sequenceLength,
});

/**
 * The files of the export. Throws a UsageError for a model that is not a Llama, or whose tokenizer cannot be a tokenizer.json.
 */
export function huggingfaceFiles(model: ExportedModel): Files {
  const { name, config, weights, tokenizer } = model;
  requireLlama(name, config, "the format of Transformers");
  if (tokenizer && !tokenizer.hasJson) {
    throw new UsageError(`the tokenizer of ${name} cannot be written as tokenizer.json`, {
      expected: "a tokenizer that Hugging Face's format can express",
      hint: "--format pytorch writes it as tokenizer.model",
    });
  }
  const tensors = llamaParts(config).map((part): [string, StoredTensor] => [
    part.name,
    { dtype: "F32", shape: part.shape, data: valuesOfPart(weights, part) },
  ]);
  return {
    "config.json": jsonText(configuration(model)),
    "model.safetensors": encodeSafetensors(Object.fromEntries(tensors), { format: "pt" }),
    "generation_config.json": jsonText({ bos_token_id: null, eos_token_id: null }),
    ...(tokenizer
      ? { ...tokenizerFiles(tokenizer), "tokenizer_config.json": jsonText(tokenizerConfiguration(model)) }
      : {}),
  };
}

const size = whole({ min: 1, max: 2 ** 31 });
const base = number({ min: 1, max: 1e12 });

/** The fields of a LlamaConfig that the mathematics depends on. */
const stored = object({
  model_type: oneOf(["llama"]),
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  num_key_value_heads: optional(nullOr(size)),
  head_dim: optional(nullOr(size)),
  max_position_embeddings: optional(size),
  rms_norm_eps: optional(number({ min: 0, max: 1 })),
  rope_theta: optional(base),
  rope_parameters: optional(nullOr(object({ rope_theta: optional(base) }))),
  tie_word_embeddings: optional(oneOf([true, false])),
});

const FIXED: readonly FixedField[] = [
  [["hidden_act"], ["silu"], "the feed-forward part here is SwiGLU"],
  [["attention_bias"], [false], "projections here have no biases"],
  [["mlp_bias"], [false], "projections here have no biases"],
  [["rope_scaling", "rope_type"], ["default"], "rotary angles here are not scaled"],
  [["rope_scaling", "type"], ["default"], "rotary angles here are not scaled"],
  [["rope_parameters", "rope_type"], ["default"], "rotary angles here are not scaled"],
];

/** Whether a config.json is that of a Llama. */
export const isLlamaConfiguration = (value: unknown): boolean => isObject(value) && value.model_type === "llama";

function configOf(found: Checked<typeof stored>): HymbaConfig {
  const nHeads = found.num_attention_heads, headDim = found.head_dim ?? found.hidden_size / nHeads;
  return new HymbaConfig({
    archType: ArchType.TRANSFORMER_GLOBAL,
    vocabSize: found.vocab_size,
    dModel: found.hidden_size,
    nLayers: found.num_hidden_layers,
    nHeads,
    nKvHeads: found.num_key_value_heads ?? nHeads,
    headDim,
    valueHeadDim: headDim,
    ffnHidden: found.intermediate_size,
    normEps: found.rms_norm_eps ?? 1e-6,
    ropeBase: found.rope_parameters?.rope_theta ?? found.rope_theta ?? 10000,
    useMetaTokens: false,
  });
}

/** Reads the config.json of a Llama. Throws a HymbaError with the place of a value that is wrong or not supported. */
export function readLlamaConfiguration(value: unknown, path: string) {
  requireFixed(FIXED, value, path);
  const found = readAs(stored, value, path);
  return {
    name: "llama",
    sequenceLength: found.max_position_embeddings ?? 2048,
    config: configOf(found),
    tied: found.tie_word_embeddings ?? false,
  };
}

/**
 * The weights by our names. Throws a HymbaError that names the tensor that is missing, unknown or of another shape, and for an output
 * head that is not the embedding.
 */
export const weightsFromLlama = (config: HymbaConfig, from: ForeignTensors, { tied }: { tied: boolean }): Weights =>
  takeTensors(from, (take) => {
    requireTiedHead(from, take, { tied, shape: [config.vocabSize, config.dModel] });
    return weightsOfParts(config, take);
  }, { ignored: (name) => name.endsWith(".rotary_emb.inv_freq") });
