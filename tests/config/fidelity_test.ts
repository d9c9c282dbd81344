/** The published shapes, to the parameter, the sharing group and the byte. Source: Dong et al., "Hymba", 2024, table 11 and roadmap. */
import { strict as assert } from "node:assert";
import { ArchType, cacheSize, HymbaConfig, layersOf } from "../../core/config/mod.ts";
import { parameterCount, parameterSpecs } from "../../core/params/specs.ts";

const PUBLISHED = { archType: ArchType.HYBRID, vocabSize: 32001, numMetaTokens: 128, swaWindow: 1024 };
const shapes = {
  "125M": new HymbaConfig({ ...PUBLISHED, nLayers: 24, dModel: 512, nHeads: 8, nKvHeads: 4, ffnHidden: 1664 }),
  "350M": new HymbaConfig({ ...PUBLISHED, nLayers: 32, dModel: 768, nHeads: 12, nKvHeads: 4, ffnHidden: 2432 }),
  "1.5B": new HymbaConfig({
    ...PUBLISHED,
    nLayers: 32,
    dModel: 1600,
    nHeads: 25,
    nKvHeads: 5,
    ffnHidden: 5504,
    globalAttnIndices: [0, 15, 31],
  }),
};

/** Groups of layers with one cache, without groups of a single layer. */
function sharingGroups(config: HymbaConfig): number[][] {
  const groups = Map.groupBy(layersOf(config).filter(({ attention }) => attention), ({ kvOwner }) => kvOwner);
  return [...groups.values()].map((layers) => layers.map(({ index }) => index)).filter(({ length }) => length > 1);
}

/** The count as a sum of products, without the list of parameters: `owners` layers have key and value projections. */
function countByFormula(config: HymbaConfig, owners: number): number {
  const { vocabSize: V, dModel: D, innerDim: I, stateSize: N, dtRank: R, convKernel: J, ffnHidden: F } = config;
  const { nLayers, nHeads: H, nKvHeads: G, headDim: K, valueHeadDim: Kv, metaTokens: M } = config;
  const projections = D * (H * K + 2 * I) + I * D, mamba = I * (J + 1) + (R + 2 * N) * I + I * (R + 1) + I * N + I;
  const norms = 2 * D + 2 * I + R + 2 * N;
  return V * D + M * D + D + nLayers * (projections + mamba + norms + 3 * D * F) + owners * D * G * (K + Kv);
}

Deno.test("1.5B has the published 1,522,797,824 parameters, 350M 353.7 million", () => {
  assert.equal(parameterCount(shapes["1.5B"]), 1_522_797_824);
  assert.equal(parameterCount(shapes["1.5B"]), countByFormula(shapes["1.5B"], 3 + 14));
  assert.equal(parameterCount(shapes["350M"]), 353_701_888);
  assert.equal(parameterCount(shapes["350M"]), countByFormula(shapes["350M"], 3 + 14));
});

Deno.test("125M has 130.3 million parameters when the odd layer of its first run keeps its own keys and values", () => {
  const single = shapes["125M"].with({ oddGroup: "single" });
  assert.equal(parameterCount(single), 130_337_280);
  assert.equal(parameterCount(single), countByFormula(single, 3 + 11));
  const triple = shapes["125M"];
  assert.equal(parameterCount(triple), 130_337_280 - 512 * 4 * (64 + 128), "a triple saves one layer's projections");
});

Deno.test("widths of 1.5B: queries 1600, keys 320, values 640, Mamba input and gate 3200", () => {
  const shapeOf = (name: string) => parameterSpecs(shapes["1.5B"]).find((spec) => spec.name === name)?.shape;
  assert.deepEqual(shapeOf("layers.1.in_proj"), [1600 + 320 + 640 + 3200 + 3200, 1600]);
  assert.deepEqual(shapeOf("layers.2.in_proj"), [1600 + 3200 + 3200, 1600], "a consumer has no keys and values");
  assert.deepEqual(shapeOf("layers.2.out_proj"), [1600, 3200]);
  assert.equal(shapes["1.5B"].dtRank, 100);
});

Deno.test("1.5B shares keys and values in the 14 published groups, one of them a triple", () => {
  const pairs = (first: number, last: number) =>
    Array.from({ length: (last - first + 1) / 2 }, (_, i) => [first + 2 * i, first + 2 * i + 1]);
  assert.deepEqual(sharingGroups(shapes["1.5B"]), [...pairs(1, 14), [16, 17, 18], ...pairs(19, 30)]);
});

Deno.test("the cache of 1.5B at 8k takes the published 78.6 MB, meta tokens not counted and two bytes a number", () => {
  const { kvBytes, stateBytes } = cacheSize(shapes["1.5B"].with({ useMetaTokens: false }), 8192, { elementBytes: 2 });
  assert.equal(kvBytes, (3 * 8192 + 14 * 1024) * (320 + 640) * 2);
  assert.equal(stateBytes, 32 * 3200 * (16 + 3) * 2);
  assert.equal(((kvBytes + stateBytes) / 1e6).toFixed(2), "78.60");
  const withMeta = cacheSize(shapes["1.5B"], 8192, { elementBytes: 2 });
  assert.equal(withMeta.kvBytes - kvBytes, 17 * 128 * (320 + 640) * 2);
});

const STUDY = { nLayers: 15, dModel: 512, nHeads: 8, nKvHeads: 4, ffnHidden: 1365, swaWindow: 128, numMetaTokens: 64 };

Deno.test("15 layers: hymba has 9 caches (1.67), local attention 8 (1.875), global attention and no sharing 15 (1)", () => {
  const ratioOf = (options: object) => cacheSize(new HymbaConfig({ ...STUDY, ...options }), 256).layerRatio;
  assert.equal(ratioOf({ archType: ArchType.HYBRID }), 15 / 9);
  assert.equal(ratioOf({ archType: ArchType.TRANSFORMER_LOCAL }), 1.875);
  assert.equal(ratioOf({ archType: ArchType.TRANSFORMER_GLOBAL }), 1);
  assert.equal(ratioOf({ archType: ArchType.HYBRID, useKvSharing: false }), 1);
});

Deno.test("the ratio in bytes counts window and meta tokens: 3(M + S) + 6(M + min(S, W)) slots against 15 S", () => {
  // Key and value heads have one width, as the documented study counts the slots.
  const slots = (config: HymbaConfig, T: number) => cacheSize(config, T).kvBytes / (4 * 4 * (64 + 128));
  const shared = new HymbaConfig({ ...STUDY, archType: ArchType.HYBRID });
  const reduction = (config: HymbaConfig, S: number) => (15 * S / slots(config, S)).toFixed(2);
  assert.deepEqual([256, 512, 1024, 8192].map((S) => reduction(shared, S)), ["1.82", "2.67", "3.48", "4.74"]);
  assert.deepEqual([256, 1024].map((S) => reduction(shared.with({ useKvSharing: false }), S)), ["1.18", "2.76"]);
});

Deno.test("the documented size: 66.47 million parameters with a feed-forward width of 1365, 68.83 without sharing", () => {
  const hymba = new HymbaConfig({ ...STUDY, archType: ArchType.HYBRID, vocabSize: 4000 });
  const millions = (config: HymbaConfig) => (parameterCount(config) / 1e6).toFixed(2);
  assert.deepEqual([hymba, hymba.with({ useKvSharing: false })].map(millions), ["66.47", "68.83"]);
  assert.deepEqual([2048, 1664].map((ffnHidden) => millions(hymba.with({ ffnHidden }))), ["82.21", "73.36"]);
});
