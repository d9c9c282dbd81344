/** `transformer-global` is a Llama of Transformers, and nothing else is called one. */
import assert from "node:assert/strict";
import { armsOf, HymbaConfig, SUITES } from "../../core/config/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { exportFiles } from "../../core/export/mod.ts";
import { notLlama } from "../../core/export/llama_refusal.ts";
import { decodeSafetensors } from "../../core/params/safetensors.ts";
import { furtherModels, SMALL, smallModels } from "../train/models.ts";
import { madeModel } from "./models.ts";
import { compareLogits } from "./python.ts";

const PLAIN = { ...SMALL, layers: "4g", useMetaTokens: false };
const LLAMAS = [
  {
    name: "transformer-global",
    config: new HymbaConfig({ ...SMALL, archType: "transformer-global", useMetaTokens: false }),
  },
  { name: "as many key heads as query heads", config: new HymbaConfig({ ...PLAIN, nKvHeads: 4, normEps: 1e-3 }) },
  {
    name: "wide heads",
    config: new HymbaConfig({ ...PLAIN, headDim: 10, valueHeadDim: 10, ropeBase: 500, nKvHeads: 1 }),
  },
];

/**
 * The published layout: names and shapes by the fields of the configuration. Source: huggingface/transformers,
 * `models/llama/modeling_llama.py`, the attributes of `LlamaAttention`, `LlamaMLP`, `LlamaDecoderLayer` and `LlamaModel`. A tied
 * `lm_head.weight` is not stored.
 */
const LAYOUT: readonly (readonly [name: string, ...shape: string[]])[] = [
  ["model.embed_tokens.weight", "vocab_size", "hidden_size"],
  ["model.layers.N.self_attn.q_proj.weight", "num_attention_heads * head_dim", "hidden_size"],
  ["model.layers.N.self_attn.k_proj.weight", "num_key_value_heads * head_dim", "hidden_size"],
  ["model.layers.N.self_attn.v_proj.weight", "num_key_value_heads * head_dim", "hidden_size"],
  ["model.layers.N.self_attn.o_proj.weight", "hidden_size", "num_attention_heads * head_dim"],
  ["model.layers.N.mlp.gate_proj.weight", "intermediate_size", "hidden_size"],
  ["model.layers.N.mlp.up_proj.weight", "intermediate_size", "hidden_size"],
  ["model.layers.N.mlp.down_proj.weight", "hidden_size", "intermediate_size"],
  ["model.layers.N.input_layernorm.weight", "hidden_size"],
  ["model.layers.N.post_attention_layernorm.weight", "hidden_size"],
  ["model.norm.weight", "hidden_size"],
];

/** Name and shape of each tensor that a configuration asks for. */
function published(config: Record<string, number>): Map<string, number[]> {
  const size = (words: string) => words.split(" * ").reduce((product, word) => product * config[word]!, 1);
  const layers = Array.from({ length: config.num_hidden_layers! }, (_, layer) => String(layer));
  return new Map(LAYOUT.flatMap(([name, ...shape]) => {
    const names = name.includes(".N.") ? layers.map((layer) => name.replace("N", layer)) : [name];
    return names.map((one): [string, number[]] => [one, shape.map(size)]);
  }));
}

const bytesOf = (file: Uint8Array<ArrayBuffer> | string | undefined) =>
  file instanceof Uint8Array ? file : assert.fail();

for (const { name, config } of LLAMAS) {
  Deno.test(`Llama: names and shapes are the published ones: ${name}`, async () => {
    const files = exportFiles((await madeModel({ name, config })).model, "hf");
    const { tensors } = decodeSafetensors(bytesOf(files["model.safetensors"]), { name });
    const found = new Map(Object.entries(tensors).map(([name, { shape }]) => [name, [...shape]]));
    const stated = JSON.parse(String(files["config.json"]));
    assert.deepEqual(new Map([...found].sort()), new Map([...published(stated)].sort()));
    assert.deepEqual([stated.rope_theta, stated.rms_norm_eps], [config.ropeBase, config.normEps]);
    assert.deepEqual([stated.tie_word_embeddings, stated.bos_token_id, stated.hidden_act], [true, null, "silu"]);
  });
}

Deno.test("Llama: computed as Transformers does, it gives our logits", () => compareLogits(LLAMAS, "hf", "llama.py"));

/** What is said of a model that is no Llama. */
const REASONS: Readonly<Record<string, RegExp>> = {
  mamba: /Mamba with a feed-forward part/,
  "transformer-local": /windows; Mistral[^]*layers share/,
  "hybrid-sequential": /Mamba with a feed-forward part[^]*meta tokens/,
  hymba: /side by side[^]*meta tokens[^]*windows[^]*valueHeadDim/,
  samba: /Mamba with a feed-forward part[^]*windows/,
  "falcon-h1": /side by side/,
};

Deno.test("Llama: every other architecture is refused, and the reason is named", async () => {
  const others = [...smallModels(), ...armsOf("arms", SMALL, ["samba", "falcon-h1"])];
  const refused = others.filter(({ name }) => name !== "transformer-global");
  assert.deepEqual(refused.map(({ name }) => name).sort(), Object.keys(REASONS).sort());
  for (const { name, config } of refused) {
    const { model } = await madeModel({ name, config });
    assert.throws(() => exportFiles(model, "hf"), (error: unknown) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, REASONS[name]!);
      assert.match(error.message, /--format pytorch takes every model/);
      return true;
    });
  }
});

Deno.test("Llama: of all models of all suites, those with full attention and nothing else are one", () => {
  const all = SUITES.flatMap((suite) => armsOf(suite, { ...SMALL, nLayers: 4 }));
  const names = all.filter(({ config }) => notLlama(config).length === 0).map(({ name }) => name);
  assert.deepEqual([...new Set(names)].sort(), ["attention-all", "transformer", "transformer-global"]);
  for (const { name, config } of furtherModels()) assert.notEqual(notLlama(config).length, 0, name);
  for (const change of [{ attentionConv: 2 }, { valueHeadDim: 2 }, { useMetaTokens: true }, { branchWidth: 8 }]) {
    assert.equal(notLlama(new HymbaConfig({ ...PLAIN, ...change })).length, 1, JSON.stringify(change));
  }
});
