import { strict as assert } from "node:assert";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { ArchType } from "../../core/config/mod.ts";
import { captureAttention } from "../../core/eval/attention.ts";
import { croppedMask } from "../../core/proof/leaky_mask.ts";
import { causalMask, masksOf, visibilityOf } from "../../core/proof/visibility.ts";
import { present } from "../../core/lists.ts";
import { visiblePairs } from "../../core/ops/attention.ts";
import { ParameterStore } from "../../core/params/store.ts";
import { type Executor, ReferenceExecutor } from "../../core/plan/mod.ts";
import { smallModels } from "../train/models.ts";

Deno.test("the cropped mask: of 256 queries none sees its past, 255 the future, 128 the next token", () => {
  for (const M of [0, 64]) {
    const { queries, seePast, seeFuture, seeNext } = visibilityOf(croppedMask({ T: 256, W: 128, M }));
    assert.deepEqual([queries, seePast, seeFuture, seeNext], [256, 0, 255, 128], `${M} meta tokens`);
  }
});

Deno.test("the cropped mask leaks exactly when the text is longer than the window", () => {
  const future = (T: number) => visibilityOf(croppedMask({ T, W: 8, M: 2 })).seeFuture;
  assert.deepEqual([4, 7, 8].map(future), [0, 0, 0]);
  assert.ok([9, 12, 16, 40].every((T) => future(T) > 0));
});

Deno.test("text queries of a causal mask see themselves, no future, and min(q + 1, M + W) keys", () => {
  for (const [window, M, T] of [[0, 0, 20], [0, 3, 20], [5, 0, 20], [5, 3, 20], [5, 3, 4], [1, 2, 6]] as const) {
    const mask = causalMask({ window, M, T }), counts = visibilityOf(mask);
    assert.deepEqual([counts.seePast, counts.seeFuture, counts.seeNext], [T, 0, 0]);
    const keys = Array.from({ length: T }, (_, t) => Math.min(M + t + 1, window > 0 ? M + window : Infinity));
    assert.deepEqual([counts.fewestKeys, counts.mostKeys], [keys[0], keys.at(-1)]);
    assert.equal(counts.pairs, keys.reduce((sum, count) => sum + count, 0));
    assert.equal(counts.pairs, visiblePairs(M + T, { window, meta: M }) - M * (M + 1) / 2, "all but the meta queries");
  }
});

Deno.test("kernels give a probability above zero to exactly the visible pairs of the masks", async () => {
  const executors: Executor[] = [new ReferenceExecutor(), await CpuExecutor.create({ threads: 1 })];
  const T = 14, ids = Uint32Array.from({ length: T }, (_, t) => (7 * t + 3) % 37);
  const labels = Array.from(ids, String);
  for (const executor of executors) {
    for (const { name, config } of smallModels().filter(({ name }) => name !== ArchType.MAMBA)) {
      const store = new ParameterStore(config);
      store.initialise(executor, 1);
      const masks = masksOf({ name, config }, T);
      for (const { layer, positions, probabilities } of await captureAttention(executor, store, { ids, labels })) {
        const { mask: { sees } } = present(
          masks.find(({ layers }) => layers.includes(layer)),
          `a mask of layer ${layer}`,
        );
        for (const [pair, probability] of probabilities.entries()) {
          const q = Math.floor(pair / positions), k = pair % positions;
          assert.equal(probability > 0, sees(q, k), `${executor.name} ${name} layer ${layer}: ${q} and ${k}`);
        }
      }
      store.release(executor);
    }
    await executor.close();
  }
});
