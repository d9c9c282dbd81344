import { strict as assert } from "node:assert";
import { join } from "node:path";
import { keepTiles, readTiles, tileFile } from "../../core/backend/tile_cache.ts";
import { at } from "../../core/lists.ts";
import { runRecordOf } from "../../core/record/mod.ts";
import { memoryDisk, writeAtomic } from "../../core/disk/mod.ts";
import { benchShape } from "../../core/bench/shapes.ts";
import { productShapes, tuneShape } from "../../core/bench/tune.ts";
import { WebgpuExecutor } from "../../core/webgpu/executor.ts";
import { candidatesOf, MATMUL_TILES, shapeKey, usualTile } from "../../core/webgpu/tiles.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { runStudy } from "../../core/study/study.ts";
import { checkQualities } from "../../core/verify/verify.ts";
import { executors } from "../ops/executors.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "../study/tiny_study.ts";

const ADAPTER = { name: "made up", driver: "1.0" };

async function webgpu(): Promise<WebgpuExecutor> {
  const found = (await executors()).find((executor) => executor instanceof WebgpuExecutor);
  assert.ok(found instanceof WebgpuExecutor);
  return found;
}

Deno.test("every class of adapters has existing candidates, with and without subgroups", () => {
  for (const adapterClass of ["discrete", "integrated", "apple", "software"] as const) {
    for (const subgroupSize of [0, 4, 8, 16, 32]) {
      const names = candidatesOf(adapterClass, { subgroupSize });
      assert.ok(names.length > 0 && names.every((name) => Object.hasOwn(MATMUL_TILES, name)));
      for (const [M, N] of [[1, 1], [832, 4], [4000, 512]] as const) {
        const tile = usualTile({ M, N }, { adapterClass, subgroupSize });
        assert.ok(tile.kernel === "workgroup" || [4, 8, 16].includes(subgroupSize));
      }
    }
  }
});

Deno.test("a tuned shape gets the fastest of its candidates, and the executor keeps its previous tiles", async () => {
  const executor = await webgpu(), product = { M: 40, N: 36, K: 20, transA: 1, transB: 0 };
  executor.useTiles({ other: "subgroup-4" });
  const { shape, tile, tried } = await tuneShape(executor, product, { runs: 1 });
  assert.deepEqual(executor.tiles, { other: "subgroup-4" });
  assert.deepEqual(Object.keys(tried), candidatesOf(executor.gpu.adapterClass, executor.context()));
  assert.equal(tried[tile], Math.max(...Object.values(tried)));
  executor.useTiles({ [shape]: tile });
  assert.deepEqual(executor.context().tileOf(product), MATMUL_TILES[tile]);
  executor.useTiles({ [shape]: "no such tile" });
  assert.equal(executor.context().tileOf(product), undefined);
  executor.useTiles({});
});

Deno.test("the products of a training step include those of the output head", async () => {
  const { arms, B, T } = benchShape("smoke", { models: ["transformer-global"] });
  const found = productShapes(await webgpu(), arms, { B, T }), V = at(arms, 0).config.vocabSize;
  assert.ok(found.some(({ N }) => N === V), "logits");
  assert.equal(new Set(found.map(shapeKey)).size, found.length);
});

Deno.test("saved tiles are extended, belong to one driver, and a damaged file is an error with its path", async () => {
  const disk = memoryDisk(), folder = "cache";
  assert.deepEqual(await readTiles(disk, ADAPTER, folder), {});
  await keepTiles(disk, ADAPTER, { tiles: { "1x2x3": "subgroup-4" }, folder });
  await keepTiles(disk, ADAPTER, { tiles: { "4x5x6": "32x32x16", "7x8x9": "of a later version" }, folder });
  assert.deepEqual(await readTiles(disk, ADAPTER, folder), { "1x2x3": "subgroup-4", "4x5x6": "32x32x16" });
  assert.deepEqual(await readTiles(disk, { ...ADAPTER, driver: "1.1" }, folder), {});
  for (const text of ["{", "null", '{"tiles":[]}', '{"tiles":{"1x2x3":4}}']) {
    await writeAtomic(disk, tileFile(ADAPTER, folder), text);
    await assert.rejects(readTiles(disk, ADAPTER, folder), /is damaged[^]*hymba tune/);
  }
});

Deno.test("a run record can have tiles, but only as texts", async () => {
  const path = join("results", "quick", "run.json"), record = JSON.parse(await Deno.readTextFile(path));
  assert.deepEqual(runRecordOf({ ...record, tiles: { "1x2x3": "subgroup-4" } }, path).tiles, { "1x2x3": "subgroup-4" });
  assert.throws(() => runRecordOf({ ...record, tiles: { "1x2x3": 4 } }, path), /tiles/);
});

Deno.test("a continued run and its evaluation use the tiles of its record, not those that were tuned later", async () => {
  const executor = await CpuExecutor.create({ threads: 1 }), disk = memoryDisk(), used: unknown[] = [];
  const spy = Object.assign(executor, { useTiles: (tiles: unknown) => used.push(tiles) });
  const study = tinyStudy({ arms: ["mamba"] }), corpus = madeUpCorpus(), controller = new AbortController();
  const start = (tiles: Record<string, string>, signal?: AbortSignal) =>
    runStudy(study, {
      executor: spy,
      corpus,
      disk,
      folder: "run",
      signal,
      environment: { ...ENVIRONMENT, tiles },
      onEvent: ({ kind }) => kind === "step" && controller.abort(),
    });
  try {
    const recorded = { "32x37x16 b-transposed": "subgroup-4" };
    await assert.rejects(start(recorded, controller.signal), /stopped/);
    const run = await start({ "32x37x16 b-transposed": "64x64x16" });
    assert.deepEqual(run.record.tiles, recorded);
    assert.deepEqual(used, [recorded, recorded]);
    await checkQualities(disk, "run", { executor: spy, corpus, same: true, run });
    assert.deepEqual(new Set(used.map((tiles) => JSON.stringify(tiles))), new Set([JSON.stringify(recorded)]));
    assert.ok(used.length > 2);
  } finally {
    await executor.close();
  }
});
