/** PyTorch runs every architecture from the exported file and gives our logits. */
import assert from "node:assert/strict";
import { type Disk, memoryDisk, writeAtomic } from "../../core/disk/mod.ts";
import { exportFiles, writeFolder } from "../../core/export/mod.ts";
import { pytorchName } from "../../core/export/pytorch_names.ts";
import { parameterSpecs } from "../../core/params/specs.ts";
import { smallModels } from "../train/models.ts";
import { madeModel, MODELS } from "./models.ts";
import { compareLogits } from "./python.ts";

Deno.test("PyTorch: every architecture gives our logits from the exported folder", () =>
  compareLogits(MODELS, "pytorch", "check_pytorch.py"));

Deno.test("names for PyTorch: no two parameters of a model have one, and docs/export.md has each", async () => {
  const text = await Deno.readTextFile(new URL("../../docs/export.md", import.meta.url));
  for (const { name, config } of MODELS) {
    const names = parameterSpecs(config).map((spec) => pytorchName(spec.name));
    assert.equal(new Set(names).size, names.length, name);
    for (const one of names) {
      const row = `| \`${one.replace(/^layers\.\d+\./, "layers.N.")}\``;
      assert.ok(text.includes(row), `docs/export.md has no row ${row}`);
    }
  }
});

Deno.test("what a killed export left is no obstacle, and a full disk leaves nothing", async () => {
  const disk = memoryDisk(), { model } = await madeModel(smallModels()[1]!), files = exportFiles(model, "pytorch");
  await disk.makeFolder("out.partial");
  await writeAtomic(disk, "out.partial/model.safetensors", "half of it");
  await disk.makeFolder("out.partial/inside");
  await writeFolder(disk, "out", files);
  assert.deepEqual(await disk.list("."), ["out"]);
  assert.deepEqual((await disk.list("out")).length, Object.keys(files).length);
  let writes = 0;
  const full: Disk = Object.create(disk, {
    writeSome: {
      value: (...given: Parameters<Disk["writeSome"]>) => ++writes < 3 ? disk.writeSome(...given) : Promise.resolve(0),
    },
  });
  await assert.rejects(writeFolder(full, "other", files), /no space|full/i);
  assert.deepEqual(await disk.list("."), ["out"]);
});

Deno.test("the folder of an export is new: files in it are not touched", async () => {
  const disk = memoryDisk(), { model } = await madeModel(smallModels()[1]!), files = exportFiles(model, "pytorch");
  await disk.makeFolder("out");
  assert.deepEqual(await writeFolder(disk, "out", files), Object.keys(files).map((name) => `out/${name}`));
  await assert.rejects(writeFolder(disk, "out", files), /out is not empty[^]*nothing was changed/);
});
