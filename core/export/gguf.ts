/** A Llama for llama.cpp: one file with configuration, tokenizer and weights. Source: llama.cpp, `gguf-py` and `llama-vocab.cpp`. */
import type { HymbaConfig } from "../config/mod.ts";
import { UsageError } from "../errors.ts";
import { type ModelFile, type Piece, PieceType, readModelFile, type Tokenizer } from "../tokenizer/mod.ts";
import type { ExportedModel, Files } from "./exported.ts";
import { encodeGguf, type GgufTensor, type GgufValue } from "./gguf_writer.ts";
import { type LlamaPart, llamaParts, valuesOfPart } from "./llama_layout.ts";
import { requireLlama } from "./llama_refusal.ts";

/** Parts of names in Transformers and in llama.cpp. */
const NAMES: readonly (readonly [theirs: RegExp, name: string])[] = [
  [/^model\.embed_tokens/, "token_embd"],
  [/^model\.norm/, "output_norm"],
  [/^model\.layers\./, "blk."],
  [/input_layernorm/, "attn_norm"],
  [/self_attn\.([qkv])_proj/, "attn_$1"],
  [/self_attn\.o_proj/, "attn_output"],
  [/post_attention_layernorm/, "ffn_norm"],
  [/mlp\.(gate|up|down)_proj/, "ffn_$1"],
];

const ggufName = (name: string): string => NAMES.reduce((made, [theirs, ours]) => made.replace(theirs, ours), name);

/**
 * The rows of queries or keys in the order of llama.cpp: its Llama rotates the pairs (2i, 2i + 1) of a head, ours (i, i + K/2). Shapes: values
 * [heads · K, D].
 */
function interleaved(
  values: Float32Array<ArrayBuffer>,
  { headDim: K, dModel: D }: HymbaConfig,
): Float32Array<ArrayBuffer> {
  const made = new Float32Array(values.length), half = K / 2;
  for (let row = 0; row < values.length / D; row++) {
    const head = row - row % K, i = row % K, from = head + (i % 2) * half + Math.floor(i / 2);
    made.set(values.subarray(from * D, (from + 1) * D), row * D);
  }
  return made;
}

function tensorOf(part: LlamaPart, { config, weights }: ExportedModel): GgufTensor {
  const values = valuesOfPart(weights, part), { shape } = part;
  const turns = /self_attn\.[qk]_proj/.test(part.name);
  return { name: ggufName(part.name), shape, data: turns ? interleaved(values, config) : values };
}

const u32 = (value: number): GgufValue => ({ type: "u32", value });
const f32 = (value: number): GgufValue => ({ type: "f32", value });
const flag = (value: boolean): GgufValue => ({ type: "bool", value });
const word = (value: string): GgufValue => ({ type: "string", value });

const configuration = ({ name, config, sequenceLength, source }: ExportedModel): Record<string, GgufValue> => ({
  "general.architecture": word("llama"),
  "general.name": word(name),
  "general.description": word(source),
  "general.file_type": u32(0),
  "general.alignment": u32(32),
  "llama.block_count": u32(config.nLayers),
  "llama.context_length": u32(sequenceLength),
  "llama.embedding_length": u32(config.dModel),
  "llama.feed_forward_length": u32(config.ffnHidden),
  "llama.attention.head_count": u32(config.nHeads),
  "llama.attention.head_count_kv": u32(config.nKvHeads),
  "llama.attention.key_length": u32(config.headDim),
  "llama.attention.value_length": u32(config.valueHeadDim),
  "llama.attention.layer_norm_rms_epsilon": f32(config.normEps),
  "llama.rope.dimension_count": u32(config.headDim),
  "llama.rope.freq_base": f32(config.ropeBase),
  "llama.vocab_size": u32(config.vocabSize),
});

/** llama.cpp looks for symbols in the text itself, SentencePiece in the normalised text, where a space is U+2581. */
const textOf = ({ piece, type }: Piece): string =>
  type === PieceType.userDefined ? piece.replaceAll("\u2581", " ") : piece;

/** The parts of a tokenizer that can be written as a SentencePiece model. */
const partsOf = (tokenizer: Tokenizer): ModelFile => readModelFile(tokenizer.toModelBytes(), "the tokenizer");

/** The tokenizer. llama.cpp calls Unigram "t5". The numbers of the types of pieces are SentencePiece's in both. */
function vocabulary(tokenizer: Tokenizer): Record<string, GgufValue> {
  const { pieces, normalizer } = partsOf(tokenizer),
    control = pieces.map(({ type }) => type === PieceType.control);
  const unknown = pieces.findIndex(({ type }) => type === PieceType.unknown);
  const first = control.indexOf(true), last = control.lastIndexOf(true);
  const special: Record<string, GgufValue> = first < 0
    ? {}
    : { "tokenizer.ggml.bos_token_id": u32(first), "tokenizer.ggml.eos_token_id": u32(last) };
  const map: Record<string, GgufValue> = normalizer.charsmap.length === 0
    ? {}
    : { "tokenizer.ggml.precompiled_charsmap": { type: "array", of: "u8", value: normalizer.charsmap } };
  return {
    "tokenizer.ggml.model": word("t5"),
    "tokenizer.ggml.pre": word("default"),
    "tokenizer.ggml.tokens": { type: "array", of: "string", value: pieces.map(textOf) },
    "tokenizer.ggml.scores": { type: "array", of: "f32", value: pieces.map(({ score }) => score) },
    "tokenizer.ggml.token_type": { type: "array", of: "i32", value: pieces.map(({ type }) => type) },
    "tokenizer.ggml.unknown_token_id": u32(unknown),
    ...special,
    "tokenizer.ggml.add_bos_token": flag(false),
    "tokenizer.ggml.add_eos_token": flag(false),
    "tokenizer.ggml.add_space_prefix": flag(normalizer.addDummyPrefix),
    "tokenizer.ggml.remove_extra_whitespaces": flag(normalizer.removeExtraWhitespaces),
    ...map,
  };
}

/** Why llama.cpp cannot use a tokenizer; undefined if it can. */
function tokenizerFault({ tokenizer, config }: ExportedModel): string | undefined {
  if (!tokenizer) return "no tokenizer, and a GGUF file has one in it";
  if (!tokenizer.hasModel) return "a tokenizer that is no SentencePiece model; llama.cpp has no other Unigram";
  const { pieces, trainer, normalizer } = partsOf(tokenizer);
  if (pieces.every(({ piece, type }) => type !== PieceType.normal || piece === "\u2581")) {
    return "a tokenizer of bytes; llama.cpp's Unigram has no bytes for unknown characters, and would know none";
  }
  if (trainer.whitespaceAsSuffix || !normalizer.escapeWhitespaces) {
    return "a tokenizer that does not mark spaces before words";
  }
  const { vocabSize } = tokenizer;
  return vocabSize === config.vocabSize ? undefined : `a tokenizer of ${vocabSize} ids for ${config.vocabSize} rows`;
}

/** The file of the export. Throws a UsageError for a model that is not a Llama, or whose tokenizer llama.cpp cannot use. */
export function ggufFiles(model: ExportedModel): Files {
  const { name, config, tokenizer } = model, fault = tokenizerFault(model);
  requireLlama(name, config, "llama.cpp");
  if (!tokenizer || fault !== undefined) {
    throw new UsageError(`llama.cpp cannot carry ${name}`, {
      expected: "a SentencePiece tokenizer of the model's vocabulary",
      got: fault,
      hint: "--format hf or pytorch takes it",
    });
  }
  const tensors = llamaParts(config).map((part) => tensorOf(part, model));
  return { "model.gguf": encodeGguf({ ...configuration(model), ...vocabulary(tokenizer) }, tensors) };
}
