/**
 * Weights in the layout of nvidia/Hymba-1.5B-Base. Source: its `configuration_hymba.py` and `modeling_hymba.py`: `HymbaBlock`, `HymbaDecoderLayer`,
 * `HymbaModel`.
 */
import { ArchType, HymbaConfig, type Layer, layersOf } from "../config/mod.ts";
import {
  type Checked,
  either,
  isObject,
  list,
  nullOr,
  number,
  object,
  oneOf,
  optional,
  readAs,
  whole,
} from "../file_schema.ts";
import { parameterSpecs } from "../params/specs.ts";
import type { Weights } from "./exported.ts";
import { type FixedField, requireFixed } from "./fixed_fields.ts";
import { type ForeignTensors, type Take, takeTensors } from "./foreign_tensors.ts";
import { requireTiedHead } from "./tied_head.ts";

const size = whole({ min: 1, max: 2 ** 31 }), layer = whole({ max: 1023 });
const layers = list(layer, { max: 1024 });

const stored = object({
  model_type: oneOf(["hymba"]),
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  num_key_value_heads: size,
  mamba_d_state: size,
  mamba_d_conv: size,
  mamba_expand: number({ min: 0, max: 1024 }),
  mamba_dt_rank: either(size, oneOf(["auto"]), 'a whole number, or "auto"'),
  mamba_conv_bias: optional(oneOf([true, false])),
  mamba_inner_layernorms: optional(oneOf([true, false])),
  num_memory_tokens: optional(whole({ max: 2 ** 20 })),
  sliding_window: optional(nullOr(size)),
  global_attn_idx: optional(nullOr(layers)),
  kv_reuse_group: optional(nullOr(list(layers, { max: 1024 }))),
  rope_theta: optional(number({ min: 1, max: 1e12 })),
  rope_type: optional(nullOr(oneOf(["default", "ntk"]))),
  max_position_embeddings: optional(size),
  orig_max_position_embeddings: optional(nullOr(size)),
  rms_norm_eps: optional(number({ min: 0, max: 1 })),
  tie_word_embeddings: optional(oneOf([true, false])),
});

const FIXED: readonly FixedField[] = [
  [["mamba_proj_bias"], [false], "projections here have no biases"],
  [["hidden_act"], ["silu"], "convolution and gate have SiLU"],
  [["mlp_hidden_act"], ["silu"], "the feed-forward part here is SwiGLU"],
  [["num_experts"], [1], "there is one feed-forward part in a layer"],
  [["num_mamba"], [1], "there is one Mamba branch in a layer"],
  [["kq_norm"], ["none"], "queries and keys here have no norms"],
  [["kv_weight_reuse"], [false], "layers here share keys and values, not projections"],
  [["kv_reuse_every_i_layer"], [-1, 0], "layers share by kv_reuse_group"],
  [["memory_tokens_interspersed_every"], [0], "meta tokens are only before the text"],
  [["rope"], [true], "attention here has rotary positions"],
  [["rope_type"], ["default", "ntk"], "the base of rotary angles does not change with the text"],
];

/** Whether a config.json is that of a published Hymba. */
export const isHymbaConfiguration = (value: unknown): boolean => isObject(value) && value.model_type === "hymba";

type Stored = Checked<typeof stored>;

/** The base of the rotary angles. With `ntk` scaling it is larger, depending on the extended length. */
function ropeBaseOf(found: Stored, headDim: number): number {
  const { rope_theta: base = 10000, rope_type, max_position_embeddings: most, orig_max_position_embeddings: first } =
    found;
  if (rope_type !== "ntk" || !most || !first) return base;
  return base * (2 * most / first - 1) ** (headDim / (headDim - 2));
}

function configOf(found: Stored): HymbaConfig {
  const { hidden_size: D, num_attention_heads: nHeads, num_memory_tokens: meta = 0, sliding_window: window } = found;
  const groups = found.kv_reuse_group ?? [], headDim = D / nHeads, rank = found.mamba_dt_rank;
  return new HymbaConfig({
    archType: ArchType.HYBRID,
    vocabSize: found.vocab_size,
    dModel: D,
    nLayers: found.num_hidden_layers,
    nHeads,
    nKvHeads: found.num_key_value_heads,
    headDim,
    ffnHidden: found.intermediate_size,
    stateSize: found.mamba_d_state,
    convKernel: found.mamba_d_conv,
    mambaExpand: found.mamba_expand,
    dtRank: rank === "auto" ? Math.ceil(D / 16) : rank,
    innerNorms: found.mamba_inner_layernorms ?? true,
    useMetaTokens: meta > 0,
    ...(meta > 0 && { numMetaTokens: meta }),
    windowed: Boolean(window),
    // Its mask of whole sequences shows the keys at distances 0 to sliding_window.
    ...(window ? { swaWindow: window + 1 } : {}),
    globalAttnIndices: window ? found.global_attn_idx ?? [] : [],
    useKvSharing: groups.length > 0,
    ...(groups.length > 0 && { kvGroups: groups }),
    ropeBase: ropeBaseOf(found, headDim),
    normEps: found.rms_norm_eps ?? 1e-6,
  });
}

/** Differences from the published model, in words. */
function notesOf({ sliding_window: window, mamba_conv_bias: bias }: Stored): string[] {
  const notes = ["prompts are not padded here, so padding masks are ignored"];
  if (window) {
    notes.push(
      `windows are ${
        window + 1
      } keys: those that the published mask of whole sequences shows; its cache keeps ${window}`,
    );
  }
  if (bias === false) notes.push("the convolution has no bias there; here it is zero");
  return notes;
}

/**
 * Reads the config.json of a published Hymba. Throws a HymbaError with the place of a value that is wrong or not supported.
 */
export function readHymbaConfiguration(value: unknown, path: string) {
  requireFixed(FIXED, value, path);
  const found = readAs(stored, value, path);
  return {
    name: "hymba",
    sequenceLength: found.max_position_embeddings ?? 2048,
    config: configOf(found),
    tied: found.tie_word_embeddings ?? false,
    convolutionBias: found.mamba_conv_bias ?? true,
    notes: notesOf(found),
  };
}

/** Parameters of a layer that are one tensor in the published model, with its name after `model.layers.N.`. */
const NAMES: Readonly<Record<string, string>> = {
  norm1: "input_layernorm.weight",
  in_proj: "mamba.in_proj.weight",
  "conv.b": "mamba.conv1d.bias",
  x_proj: "mamba.x_proj.0.weight",
  dt_norm: "mamba.dt_layernorm.weight",
  b_norm: "mamba.B_layernorm.weight",
  c_norm: "mamba.C_layernorm.weight",
  "dt_proj.w": "mamba.dt_proj.0.weight",
  "dt_proj.b": "mamba.dt_proj.0.bias",
  a_log: "mamba.A_log.0",
  d: "mamba.D.0",
  "fusion.attention": "mamba.pre_avg_layernorm1.weight",
  "fusion.mamba": "mamba.pre_avg_layernorm2.weight",
  out_proj: "mamba.out_proj.weight",
  norm2: "pre_moe_layernorm.weight",
  "ffn.down": "moe.experts.0.down_proj.weight",
};

/** Parameters outside of the layers. */
const OUTSIDE: Readonly<Record<string, string>> = {
  embedding: "model.embed_tokens.weight",
  meta: "model.memory_tokens",
  final_norm: "model.final_layernorm.weight",
};

function joined(a: Float32Array, b: Float32Array): Float32Array<ArrayBuffer> {
  const both = new Float32Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** The parameters of a layer by our names. The projections have the same rows in the same order. */
function layerWeights(
  config: HymbaConfig,
  { index }: Layer,
  { take, convolutionBias }: { take: Take; convolutionBias: boolean },
): [string, Float32Array<ArrayBuffer>][] {
  const { dModel: D, ffnHidden: F, innerDim: I, convKernel: J } = config, ours = `layers.${index}.`;
  const theirs = (name: string) => `model.layers.${index}.${name}`;
  const gate = (name: string) => take(theirs(`moe.experts.0.${name}_proj.weight`), [F, D]);
  return parameterSpecs(config).filter(({ name }) => name.startsWith(ours)).map(({ name, shape }) => {
    const short = name.slice(ours.length), one = NAMES[short];
    if (short === "conv.b" && !convolutionBias) return [name, new Float32Array(I)];
    if (short === "conv.w") return [name, take(theirs("mamba.conv1d.weight"), [I, 1, J])];
    return [name, one === undefined ? joined(gate("gate"), gate("up")) : take(theirs(one), shape)];
  });
}

/** The weights by our names. Throws a HymbaError that names the tensor that is missing, unknown or of another shape. */
export function weightsFromHymba(
  config: HymbaConfig,
  from: ForeignTensors,
  { tied, convolutionBias }: { tied: boolean; convolutionBias: boolean },
): Weights {
  return takeTensors(from, (take) => {
    requireTiedHead(from, take, { tied, shape: [config.vocabSize, config.dModel] });
    const outside = parameterSpecs(config).flatMap(({ name, shape }): [string, Float32Array<ArrayBuffer>][] => {
      const theirs = OUTSIDE[name];
      return theirs === undefined ? [] : [[name, take(theirs, shape)]];
    });
    const inside = layersOf(config).flatMap((layer) => layerWeights(config, layer, { take, convolutionBias }));
    return Object.fromEntries([...outside, ...inside]);
  }, { ignored: (name) => name.endsWith(".inv_freq") });
}
