/** proveCausality: it holds for models, and would find a leak. */
import assert from "node:assert/strict";
import { ArchType, Hymba, proveCausality, UsageError } from "../../mod.ts";
import { SIZES, small } from "./small.ts";

Deno.test("causality: it holds for every architecture, beyond window and meta tokens", async () => {
  for (const archType of Object.values(ArchType)) {
    const proof = await proveCausality({ ...SIZES, archType }, { backend: "cpu", length: 11 });
    assert.deepEqual(proof, { holds: true, length: 11, tested: 10, changes: [], gradients: [] }, archType);
  }
});

Deno.test("causality: a model keeps its weights, and its own length is the default", async () => {
  await using model = await small();
  const before = await model.saveWeights(), proof = await proveCausality(model, { positions: [0, 7] });
  assert.deepEqual([proof.holds, proof.length, proof.tested], [true, 6 + 2 + 2, 2]);
  assert.deepEqual(await model.saveWeights(), before);
});

Deno.test("causality: options out of range are refused", async () => {
  await using model = await small();
  for (const options of [{ length: 1 }, { length: 2.5 }, { positions: [-1] }, { length: 5, positions: [4] }]) {
    await assert.rejects(proveCausality(model, options), UsageError);
  }
  assert.ok(model instanceof Hymba);
});
