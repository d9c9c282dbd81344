/** Exported models come back as they were; what is damaged or does not fit is refused in words. */
import assert from "node:assert/strict";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { type Disk, memoryDisk, writeAtomic } from "../../core/disk/mod.ts";
import { HymbaError } from "../../core/errors.ts";
import { exportFiles, type Files, importModel, modelFolderFiles, writeFolder } from "../../core/export/mod.ts";
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from "../../core/params/safetensors.ts";
import { findModel, openModel } from "../../core/study/one_model.ts";
import { byteTokenizer, trainTokenizer } from "../../core/tokenizer/mod.ts";
import { furtherModels, SMALL, smallModels } from "../train/models.ts";
import { HymbaConfig } from "../../core/config/mod.ts";
import { madeModel } from "./models.ts";

const LLAMA = { name: "llama", config: new HymbaConfig({ ...SMALL, layers: "4g", useMetaTokens: false }) };

/** A disk with these files in the folder `given`. */
async function diskWith(files: Files): Promise<Disk> {
  const disk = memoryDisk();
  await writeFolder(disk, "given", files);
  return disk;
}

const textOf = (files: Files, name: string) => String(files[name]);
const bytesOf = (files: Files, name = "model.safetensors") => {
  const found = files[name];
  return found instanceof Uint8Array ? found : assert.fail(name);
};

/** The same files with the tensors changed. */
function withTensors(files: Files, change: (tensors: Record<string, StoredTensor>) => void): Files {
  const { tensors } = decodeSafetensors(bytesOf(files), { name: "given" });
  change(tensors);
  return { ...files, "model.safetensors": encodeSafetensors(tensors) };
}

/** The same files with config.json changed. */
const withConfiguration = (files: Files, change: Record<string, unknown>): Files => ({
  ...files,
  "config.json": JSON.stringify({ ...JSON.parse(textOf(files, "config.json")), ...change }),
});

Deno.test("import: every architecture comes back from PyTorch's files with its configuration and the bits of its weights", async () => {
  for (const given of [...smallModels(), ...furtherModels()]) {
    const { model } = await madeModel(given), disk = await diskWith(exportFiles(model, "pytorch"));
    const { model: back, notes } = await importModel(disk, "given");
    assert.deepEqual({ ...back.config }, { ...model.config }, given.name);
    assert.deepEqual(back.weights, model.weights, given.name);
    assert.deepEqual([back.name, back.sequenceLength, back.tokenizer, notes], [given.name, 17, undefined, []]);
  }
});

Deno.test("import: a Llama comes back; its weights may be 16-bit, in several files, with its head beside the embedding", async () => {
  const { model } = await madeModel(LLAMA), files = exportFiles(model, "hf");
  const back = async (given: Files) => (await importModel(await diskWith(given), "given")).model;
  assert.deepEqual((await back(files)).weights, model.weights);
  const mathematics = (
    { vocabSize, dModel, nLayers, nHeads, nKvHeads, headDim, ffnHidden, normEps, ropeBase, metaTokens }: HymbaConfig,
  ) => [vocabSize, dModel, nLayers, nHeads, nKvHeads, headDim, ffnHidden, normEps, ropeBase, metaTokens];
  assert.deepEqual(mathematics((await back(files)).config), mathematics(model.config));

  const untied = withTensors(withConfiguration(files, { tie_word_embeddings: false }), (tensors) => {
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"]!;
  });
  assert.deepEqual((await back(untied)).weights, model.weights);

  const halves = withTensors(files, (tensors) => {
    for (const [name, { shape, data }] of Object.entries(tensors)) {
      const words = new Uint32Array(new Float32Array(data as Float32Array).buffer);
      tensors[name] = { dtype: "BF16", shape, data: Uint16Array.from(words, (word) => word >>> 16) };
    }
  });
  const cut = (value: number) =>
    new Float32Array(new Uint32Array([new Uint32Array(new Float32Array([value]).buffer)[0]! & 0xffff0000]).buffer)[0]!;
  const { embedding } = (await back(halves)).weights;
  assert.deepEqual(embedding, model.weights.embedding?.map(cut));

  const f16 = withTensors(files, (tensors) => {
    const { shape, data } = tensors["model.norm.weight"]!;
    const half = new Float16Array(data as Float32Array);
    tensors["model.norm.weight"] = { dtype: "F16", shape, data: new Uint16Array(half.buffer) };
  });
  assert.deepEqual((await back(f16)).weights.final_norm, new Float32Array(new Float16Array(model.weights.final_norm!)));

  const { tensors } = decodeSafetensors(bytesOf(files), { name: "" }), names = Object.keys(tensors);
  const part = (of: number) =>
    Object.fromEntries(names.filter((_, i) => i % 2 === of).map((name) => [name, tensors[name]!]));
  const { "model.safetensors": _, ...others } = files;
  const weight_map = Object.fromEntries(names.map((name, i) => [name, `part-${i % 2}.safetensors`]));
  const sharded: Files = {
    ...others,
    "part-0.safetensors": encodeSafetensors(part(0)),
    "part-1.safetensors": encodeSafetensors(part(1)),
    "model.safetensors.index.json": JSON.stringify({ weight_map }),
  };
  assert.deepEqual((await back(sharded)).weights, model.weights);
  const outside = {
    ...sharded,
    "model.safetensors.index.json": JSON.stringify({ weight_map: { a: "../run/x.safetensors" } }),
  };
  await assert.rejects(back(outside), /names the file "\.\.\/run\/x\.safetensors"/);
});

Deno.test("import: a folder of one model is used in place of a run, with its tokenizer or without one", async () => {
  const tokenizer = trainTokenizer("to be or not to be\n".repeat(40), {
    vocabSize: 300,
    size: "most",
    byteFallback: true,
  });
  const config = LLAMA.config.with({ vocabSize: tokenizer.vocabSize });
  const { model } = await madeModel({ name: "llama", config }, { tokenizer });
  for (const format of ["pytorch", "hf"] as const) {
    const disk = await diskWith(exportFiles(model, format)), read = await importModel(disk, "given");
    assert.deepEqual(read.notes, []);
    await writeFolder(disk, "back", modelFolderFiles(read.model));
    const executor = await CpuExecutor.create({ threads: 1 }), files = await findModel(disk, "back");
    const opened = await openModel(executor, { disk, files });
    assert.deepEqual(opened.tokenizer?.encode("to be or not"), tokenizer.encode("to be or not"));
    assert.deepEqual(await opened.store.read(executor), model.weights);
    await executor.close();
    await assert.rejects(findModel(disk, "back", { model: "hymba" }), /no model "hymba"[^]*llama/);
    await assert.rejects(findModel(disk, "back", { stage: "orpo" }), /has one model, without seed and stage/);
    await writeAtomic(
      disk,
      "back/model.json",
      textOf(modelFolderFiles(model), "model.json").replace(/"format": 1/, '"format": 9'),
    );
    await assert.rejects(findModel(disk, "back"), /back\/model\.json\.format is not what it should be/);
  }
});

/** Ways to damage the files of an export, and the errors. */
type Spoilt = readonly [what: string, change: (files: Files) => Files, expected: RegExp];

const without = (name: string) => (files: Files): Files =>
  Object.fromEntries(Object.entries(files).filter(([one]) => one !== name));

const SPOILT: readonly Spoilt[] = [
  ["no config.json", without("config.json"), /given is not a model[^]*no config\.json/],
  ["config.json is no JSON", (files) => ({ ...files, "config.json": "{" }), /given\/config\.json is damaged/],
  [
    "config.json of another kind",
    (files) => ({ ...files, "config.json": '{"model_type": "bert"}' }),
    /"model_type": "llama"[^]*"bert"/,
  ],
  ["config.json says nothing", (files) => ({ ...files, "config.json": "[]" }), /neither format nor model_type/],
  ["no weights", without("model.safetensors"), /given has no weights/],
  [
    "cut weights",
    (files) => ({ ...files, "model.safetensors": bytesOf(files).slice(0, -40) }),
    /given\/model\.safetensors: tensor .* ends after the file/,
  ],
  [
    "weights of eight bytes",
    (files) => ({ ...files, "model.safetensors": bytesOf(files).slice(0, 8) }),
    /safetensors header claims/,
  ],
  [
    "a tensor is missing",
    (files) => withTensors(files, (all) => void delete all[Object.keys(all)[3]!]),
    /does not fit the configuration[^]*no tensor of this name/,
  ],
  [
    "a tensor too many",
    (files) => withTensors(files, (all) => void (all.more = Object.values(all)[0]!)),
    /"more" does not fit[^]*got: {6}one/,
  ],
  ["another shape", (files) =>
    withTensors(files, (all) => {
      const [name, tensor] = Object.entries(all).find(([, { shape }]) => shape.length === 2 && shape[0] !== shape[1])!;
      all[name] = { ...tensor, shape: tensor.shape.toReversed() };
    }), /does not fit the configuration\n {2}expected: shape \[\d+,\d+\]\n {2}got: {6}shape/],
  ["another dtype", (files) =>
    withTensors(files, (all) => {
      const [name, { shape, data }] = Object.entries(all)[0]!;
      all[name] = { dtype: "I32", shape, data: new Int32Array(data.length) };
    }), /F32, F16 or BF16\n {2}got: {6}I32/],
  [
    "a NaN",
    (files) =>
      withTensors(files, (all) => {
        const [name, { shape, data }] = Object.entries(all)[1]!;
        all[name] = { dtype: "F32", shape, data: Float32Array.from(data as Float32Array, (x, i) => i === 2 ? NaN : x) };
      }),
    /finite numbers\n {2}got: {6}NaN at place 2/,
  ],
];

const OF_PYTORCH: readonly Spoilt[] = [
  ["another version", (files) => withConfiguration(files, { version: 2 }), /config\.json\.version/],
  [
    "an impossible configuration",
    (files) => withConfiguration(files, { model: { ...JSON.parse(textOf(files, "config.json")).model, nHeads: 3 } }),
    /configuration: /,
  ],
  [
    "an unknown field",
    (files) => withConfiguration(files, { model: { ...JSON.parse(textOf(files, "config.json")).model, colour: 3 } }),
    /unknown field "colour"/,
  ],
  [
    "the tokenizer is gone",
    (files) => withConfiguration(files, { tokenizer: "0".repeat(64) }),
    /does not have the tokenizer of its model[^]*neither of them/,
  ],
  [
    "another tokenizer",
    (files) => ({
      ...withConfiguration(files, { tokenizer: "0".repeat(64) }),
      "tokenizer.json": byteTokenizer().toJson(),
    }),
    /does not have the tokenizer/,
  ],
];

const OF_LLAMA: readonly Spoilt[] = [
  [
    "biases",
    (files) => withConfiguration(files, { attention_bias: true }),
    /attention_bias is something[^]*expected: false/,
  ],
  [
    "scaled positions",
    (files) => withConfiguration(files, { rope_scaling: { rope_type: "llama3" } }),
    /rope_scaling\.rope_type/,
  ],
  ["another activation", (files) => withConfiguration(files, { hidden_act: "gelu" }), /hidden_act/],
  ["another head", (files) =>
    withTensors(files, (all) => {
      const embedding = all["model.embed_tokens.weight"]!;
      all["lm_head.weight"] = { ...embedding, data: embedding.data.slice().fill(1 as never) } as StoredTensor;
    }), /the output head is not the embedding/],
];

for (const [format, more] of [["pytorch", OF_PYTORCH], ["hf", OF_LLAMA]] as const) {
  Deno.test(`import: damaged files of ${format} are refused, and each refusal names the place`, async () => {
    const files = exportFiles((await madeModel(LLAMA)).model, format);
    for (const [what, change, expected] of [...SPOILT, ...more]) {
      const disk = await diskWith(change(files));
      await assert.rejects(importModel(disk, "given"), (error: unknown) => {
        assert.ok(error instanceof HymbaError, `${what}: ${error}`);
        assert.ok(expected.test(error.message), `${what}: ${error.message}`);
        return true;
      });
    }
  });
}

Deno.test("import: a tokenizer that this program does not read is left, and a note says so", async () => {
  const files = exportFiles((await madeModel(LLAMA)).model, "hf");
  const given = { ...files, "tokenizer.json": JSON.stringify({ model: { type: "BPE", vocab: {}, merges: [] } }) };
  const { model, notes } = await importModel(await diskWith(given), "given");
  assert.equal(model.tokenizer, undefined);
  assert.match(notes.join("\n"), /the tokenizer was left: .*Unigram.*BPE/);
  const other = await importModel(await diskWith({ ...files, "tokenizer.json": byteTokenizer().toJson() }), "given");
  assert.match(other.notes.join("\n"), /tokenizer\.json has 260 ids, the model 37/);
});
