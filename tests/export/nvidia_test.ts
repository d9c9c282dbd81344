/** Weights in the layout of the published Hymba give the logits of its code. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { layersOf } from "../../core/config/mod.ts";
import { memoryDisk, systemDisk, writeAtomic } from "../../core/disk/mod.ts";
import { HymbaError } from "../../core/errors.ts";
import { importModel } from "../../core/export/mod.ts";
import { type Case, logitsOfModel } from "./models.ts";
import { hasPytorch, PYTHON } from "./python.ts";

const SCRIPT = fileURLToPath(new URL("nvidia_hymba.py", import.meta.url));

/** Largest distance of a logit. */
const MOST = 1e-4;

const VARIANTS: readonly (readonly [name: string, changes: Record<string, unknown>])[] = [
  ["as published: windows, meta tokens, groups, stretched positions", {}],
  ["without windows, meta tokens, groups and inner norms", {
    sliding_window: null,
    global_attn_idx: null,
    num_memory_tokens: 0,
    kv_reuse_group: null,
    rope_type: null,
    mamba_inner_layernorms: false,
    mamba_conv_bias: false,
  }],
  ["a triple of shared layers, one key head", {
    kv_reuse_group: [[1, 2], [3, 4, 5]],
    global_attn_idx: [0, 6],
    num_key_value_heads: 1,
  }],
];

Deno.test("published Hymba: the logits of an imported checkpoint are those of its code", async () => {
  if (!await hasPytorch()) return;
  const folder = await Deno.makeTempDir(), pathOf = (index: number) => join(folder, String(index));
  try {
    const args = VARIANTS.flatMap(([, changes], index) => [pathOf(index), JSON.stringify(changes)]);
    const { code, stderr } = await new Deno.Command(PYTHON, { args: ["-B", SCRIPT, ...args] }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    for (const [index, [name, changes]] of VARIANTS.entries()) {
      const { model, notes } = await importModel(systemDisk, pathOf(index)), said = notes.join("\n");
      const expected: Case = JSON.parse(await Deno.readTextFile(`${pathOf(index)}.case.json`));
      const found = await logitsOfModel(model, expected.ids);
      const worst = found.reduce((most, x, i) => Math.max(most, Math.abs(x - expected.logits[i]!)), 0);
      assert.ok(worst < MOST, `${name}: ${worst}`);
      assert.ok(expected.logits.some((x) => Math.abs(x) > 1), name);
      assert.match(said, /not padded here[^]*there is no tokenizer/);
      if (!("sliding_window" in changes)) assert.match(said, /windows are 7 keys[^]*its cache keeps 6/);
      if (changes.mamba_conv_bias === false) assert.match(said, /the convolution has no bias there/);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** The configuration of nvidia/Hymba-1.5B-Base, as far as the mathematics depends on it. */
const PUBLISHED = {
  model_type: "hymba",
  vocab_size: 32001,
  hidden_size: 1600,
  intermediate_size: 5504,
  num_hidden_layers: 32,
  num_attention_heads: 25,
  num_key_value_heads: 5,
  mamba_d_state: 16,
  mamba_d_conv: 4,
  mamba_expand: 2,
  mamba_dt_rank: 100,
  mamba_conv_bias: true,
  mamba_proj_bias: false,
  mamba_inner_layernorms: true,
  num_memory_tokens: 128,
  sliding_window: 1024,
  global_attn_idx: [0, 15, 31],
  rope: true,
  rope_theta: 10000,
  kv_reuse_group: [
    ...[1, 3, 5, 7, 9, 11, 13].map((i) => [i, i + 1]),
    [16, 17, 18],
    ...[19, 21, 23, 25, 27, 29].map((i) => [i, i + 1]),
  ],
  rope_type: "ntk",
  max_position_embeddings: 8192,
  orig_max_position_embeddings: 2048,
  rms_norm_eps: 1e-6,
  tie_word_embeddings: true,
  hidden_act: "silu",
  mlp_hidden_act: "silu",
  num_experts: 1,
  kq_norm: "none",
};

/** What reading a folder with this config.json and no weights says. */
async function refusal(changes: Record<string, unknown>): Promise<string> {
  const disk = memoryDisk();
  await disk.makeFolder("given");
  await writeAtomic(disk, "given/config.json", JSON.stringify({ ...PUBLISHED, ...changes }));
  try {
    await importModel(disk, "given");
  } catch (error) {
    assert.ok(error instanceof HymbaError, String(error));
    return error.message;
  }
  return assert.fail("nothing was refused");
}

Deno.test("published Hymba: its configuration is read, and the model has the published number of parameters", async () => {
  assert.match(await refusal({}), /given has no weights/);
  const { readHymbaConfiguration } = await import("../../core/export/nvidia.ts");
  const { parameterCount } = await import("../../core/params/specs.ts");
  const { config } = readHymbaConfiguration(PUBLISHED, "config.json");
  assert.equal(parameterCount(config), 1_522_797_824);
  const layers = layersOf(config);
  assert.deepEqual(layers.filter(({ window }) => window === 0).map(({ index }) => index), [0, 15, 31]);
  assert.equal(new Set(layers.map(({ kvOwner }) => kvOwner)).size, 3 + 14);
});

Deno.test("published Hymba: what this program does not compute is refused by name", async () => {
  for (
    const [changes, expected] of [
      [{ mamba_proj_bias: true }, /mamba_proj_bias is something that this program does not compute[^]*biases/],
      [{ num_experts: 4 }, /num_experts/],
      [{ kq_norm: "rms" }, /kq_norm[^]*no norms/],
      [{ rope_type: "dynamic_ntk" }, /rope_type[^]*does not change with the text/],
      [{ mlp_hidden_act: "relu2" }, /mlp_hidden_act[^]*SwiGLU/],
      [{ memory_tokens_interspersed_every: 64 }, /memory_tokens_interspersed_every/],
      [{ mamba_dt_rank: "many" }, /mamba_dt_rank[^]*a whole number, or "auto"/],
      [{ hidden_size: 1601 }, /configuration: /],
      [{ global_attn_idx: [40] }, /globalAttnIndices/],
      [{ kv_reuse_group: [[1, 2], [2, 3]] }, /kvGroups/],
    ] as const
  ) {
    assert.match(await refusal(changes), expected);
  }
});
