/** Weights fit a model by name, dtype and shape, wherever they are read. */
import { strict as assert } from "node:assert";
import { Hymba } from "../../mod.ts";
import { HymbaConfig } from "../../core/config/mod.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { type Disk, memoryDisk, removeTree, writeAtomic } from "../../core/disk/mod.ts";
import { HymbaError } from "../../core/errors.ts";
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from "../../core/params/safetensors.ts";
import { ParameterStore } from "../../core/params/store.ts";
import { chooseModel, TrainedModel } from "../../core/study/one_model.ts";
import { runStudy } from "../../core/study/study.ts";
import { putArena, putSnapshot, takeArena, takeSnapshot, type Tensors } from "../../core/train/snapshot.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "../study/tiny_study.ts";

const config = new HymbaConfig({ vocabSize: 50, dModel: 16, nLayers: 3, nHeads: 4, nKvHeads: 2, archType: "hymba" });

const refused = (expected: RegExp) => (error: unknown) => {
  assert.ok(error instanceof HymbaError, String(error));
  assert.match(error.message, expected);
  return true;
};

const transposed = (tensor: StoredTensor): StoredTensor => ({ ...tensor, shape: tensor.shape.toReversed() });

Deno.test("every tensor's shape is compared: a transposed one, another dtype, a missing and an unknown one are refused", async () => {
  const executor = await CpuExecutor.create({ threads: 1 }), store = new ParameterStore(config);
  store.initialise(executor, 1);
  const sound = await takeArena(executor, store, "parameters"), before = await store.read(executor);
  const put = (tensors: Tensors) => putArena(executor, store, { tensors, arena: "parameters", name: "FILE" });
  put(sound);
  let wrong = 0;
  for (const [name, tensor] of Object.entries(sound)) {
    if (String(tensor.shape) === String(tensor.shape.toReversed())) continue;
    const words =
      `^FILE: tensor "${name}" does not fit.*\n.*F32 \\[${tensor.shape}\\]\n.*F32 \\[${tensor.shape.toReversed()}\\]`;
    assert.throws(() => put({ ...sound, [name]: transposed(tensor) }), refused(new RegExp(words)));
    wrong++;
  }
  assert.ok(wrong > 10, `${wrong} tensors`);
  const { embedding, ...others } = sound;
  assert.ok(embedding);
  assert.throws(() => put(others), refused(/"embedding" does not fit[^]*no tensor of this name/));
  assert.throws(() => put({ ...sound, more: embedding }), refused(/"more" does not fit/));
  const halves: StoredTensor = { dtype: "F16", shape: embedding.shape, data: new Uint16Array(embedding.data.length) };
  assert.throws(() => put({ ...sound, embedding: halves }), refused(/F32 \[50,16\][^]*F16 \[50,16\]/));
  assert.throws(() => put(JSON.parse('{"__proto__": 1}')), refused(/does not fit/));
  assert.deepEqual(await store.read(executor), before, "nothing is written when something is refused");
  const groups = await takeSnapshot(executor, store);
  putSnapshot(executor, store, { groups, name: "CHECKPOINT" });
  for (const group of Object.keys(groups)) {
    const spoilt = { ...groups, [group]: { ...groups[group], embedding: transposed(embedding) } };
    assert.throws(
      () => putSnapshot(executor, store, { groups: spoilt, name: "CHECKPOINT" }),
      refused(new RegExp(`^CHECKPOINT, ${group}: tensor "embedding"`)),
    );
  }
  await executor.close();
});

/** Replaces the embedding of a weights file by one of the transposed shape. */
async function transposeEmbedding(disk: Disk, path: string): Promise<void> {
  const { tensors, metadata } = decodeSafetensors(await disk.read(path), { name: path }), { embedding } = tensors;
  assert.ok(embedding);
  const bytes = encodeSafetensors({ ...tensors, embedding: transposed(embedding) }, metadata);
  await disk.truncate(path, 0);
  await disk.writeSome(path, bytes, { offset: 0 });
}

Deno.test("a trained model, a second stage and the library refuse a transposed embedding", async () => {
  const disk = memoryDisk(),
    executor = await CpuExecutor.create({ threads: 1 }),
    study = tinyStudy({ arms: ["mamba"] });
  const options = { executor, disk, folder: "run", environment: ENVIRONMENT, corpus: madeUpCorpus() };
  await runStudy(study, options);
  const path = "run/arms/mamba-1/pretraining.safetensors", expected = /tensor "embedding" does not fit the model/;
  const sound = new Uint8Array(await disk.read(path));
  await transposeEmbedding(disk, path);
  const chosen = await chooseModel(disk, "run", { stage: "pretraining" });
  await assert.rejects(TrainedModel.open(executor, { disk, chosen }), refused(expected));
  for (const name of ["orpo.json", "checkpoints"]) await removeTree(disk, `run/arms/mamba-1/${name}`);
  await assert.rejects(runStudy(study, options), refused(expected));
  await executor.close();
  const [arm] = study.arms;
  assert.ok(arm);
  const model = await Hymba.create(arm.config.with({ vocabSize: chosen.record.tokenizer.vocabSize }), {
    backend: "cpu",
  });
  model.loadWeights(sound);
  const wrong = new Uint8Array(await disk.read(path));
  assert.throws(() => model.loadWeights(wrong, { name: "w" }), refused(/^w: tensor "embedding"/));
  await model.close();
});

Deno.test("weights of the same shapes that name another model, stage or tokenizer are refused, also by a second stage", async () => {
  const disk = memoryDisk(),
    executor = await CpuExecutor.create({ threads: 1 }),
    study = tinyStudy({ arms: ["mamba"] });
  const options = { executor, disk, folder: "run", environment: ENVIRONMENT, corpus: madeUpCorpus() };
  await runStudy(study, options);
  const path = "run/arms/mamba-1/pretraining.safetensors";
  const { tensors, metadata } = decodeSafetensors(await disk.read(path), { name: path });
  const chosen = await chooseModel(disk, "run", { stage: "pretraining" }), { arm: _, ...nameless } = metadata;
  const cases: [Record<string, string>, RegExp][] = [
    [{ ...metadata, arm: "hymba" }, /pretraining\.safetensors are of another model\n.*mamba\n.*"hymba"/],
    [{ ...metadata, stage: "orpo" }, /are of another stage\n.*pretraining\n.*"orpo"/],
    [{ ...metadata, tokenizer: "0".repeat(64) }, /trained with another tokenizer/],
    [nameless, /another model[^]*a file that names no arm/],
  ];
  for (const name of ["orpo.json", "checkpoints"]) await removeTree(disk, `run/arms/mamba-1/${name}`);
  for (const [about, expected] of cases) {
    await writeAtomic(disk, path, encodeSafetensors(tensors, about));
    await assert.rejects(TrainedModel.open(executor, { disk, chosen }), refused(expected));
    await assert.rejects(runStudy(study, options), refused(expected));
  }
  await writeAtomic(disk, path, encodeSafetensors(tensors, metadata));
  (await TrainedModel.open(executor, { disk, chosen })).release();
  await runStudy(study, options);
  await executor.close();
});
