/** ONNX Runtime computes every architecture from the exported file and gives our logits. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemDisk } from "../../core/disk/mod.ts";
import { exportFiles, writeFolder } from "../../core/export/mod.ts";
import { type Case, madeModel, MODELS } from "./models.ts";
import { askNode, nodePackages, ONNX_RUNTIME } from "./node_packages.ts";

/** Largest distance of a logit. */
const MOST = 1e-4;

Deno.test("ONNX Runtime: every architecture gives our logits, at two lengths", async () => {
  const packages = await nodePackages(ONNX_RUNTIME);
  if (!packages) return;
  const folder = await Deno.makeTempDir(), cases: (Case & { path: string })[] = [];
  try {
    for (const [index, given] of MODELS.entries()) {
      const { model, expected } = await madeModel(given, { T: index % 2 === 0 ? 17 : 40 });
      const [path = ""] = await writeFolder(systemDisk, join(folder, String(index)), exportFiles(model, "onnx"));
      cases.push({ path, ...expected });
    }
    const script = fileURLToPath(new URL("onnx_client.mjs", import.meta.url));
    const asked = cases.map(({ path, ids }) => ({ path, ids }));
    const answers = await askNode<{ shape: number[]; logits: number[] }[]>(script, [packages], asked);
    assert.equal(answers.length, MODELS.length);
    for (const [index, { shape, logits }] of answers.entries()) {
      const { name, config } = MODELS[index]!, { ids, logits: ours } = cases[index]!;
      assert.deepEqual(shape, [ids.length, ids[0]!.length, config.vocabSize], name);
      const worst = logits.reduce((most, x, i) => Math.max(most, Math.abs(x - ours[i]!)), 0);
      assert.ok(worst < MOST, `${name}: ${worst}`);
      assert.ok(ours.some((x) => Math.abs(x) > 1), name);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
