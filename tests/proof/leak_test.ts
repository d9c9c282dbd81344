/** The documented study's crop in a real model: both checks find it, and only the leak experiment can use it. */
import { strict as assert } from "node:assert";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { checkGradients } from "../../core/proof/causality_gradient.ts";
import { checkCausality } from "../../core/proof/causality.ts";
import { croppedMask } from "../../core/proof/leaky_mask.ts";
import { present } from "../../core/lists.ts";
import { leakText } from "../../core/report/leak_report.ts";
import { smallModels } from "../train/models.ts";

Deno.test("a hybrid with cropped keys fails both causality checks, at the positions of the mask", async () => {
  const executor = await CpuExecutor.create({ threads: 1 });
  try {
    const { name, config } = present(smallModels().find(({ name }) => name === "hymba"), "hymba");
    const W = config.swaWindow, M = config.metaTokens, T = 2 * W;
    const probe = { name, config, T, reproduceLeak: true };
    const { leaks } = await checkCausality(executor, probe), gradients = await checkGradients(executor, probe);
    assert.ok(leaks.length > 0);
    const { sees } = croppedMask({ T, W, M });
    const direct = Array.from({ length: T }, (_, t) => t).flatMap((t) =>
      Array.from({ length: T - 1 - t }, (_, i) => t + 1 + i).filter((s) => sees(M + t, M + s)).map((s) => `${t} ${s}`)
    );
    const found = new Set(gradients.leaks.map(({ logits, embedding }) => `${logits} ${embedding}`));
    assert.deepEqual(direct.filter((pair) => !found.has(pair)), []);
    assert.deepEqual((await checkCausality(executor, { name, config, T })).leaks, [], "without the crop it is causal");
  } finally {
    await executor.close();
  }
});

/** The source files two levels below a folder of the repository that contain the option's name. */
async function filesWithOption(top: string): Promise<string[]> {
  const root = new URL(`../../${top}/`, import.meta.url), found: string[] = [];
  for await (const folder of Deno.readDir(root)) {
    if (!folder.isDirectory) continue;
    for await (const { name } of Deno.readDir(new URL(`${folder.name}/`, root))) {
      if (!name.endsWith(".ts")) continue;
      const text = await Deno.readTextFile(new URL(`${folder.name}/${name}`, root));
      if (text.includes("reproduceLeak")) found.push(`${folder.name}/${name}`);
    }
  }
  return found.sort();
}

Deno.test("only the leak experiment and the two checks use the crop", async () => {
  const makers = ["proof/causality.ts", "proof/causality_gradient.ts", "proof/leak_experiment.ts"];
  // The last two only pass the option on.
  const allowed = [...makers, "nn/model.ts", "train/plans.ts"].sort();
  assert.deepEqual(await filesWithOption("core"), allowed);
  assert.deepEqual(await filesWithOption("cli"), ["commands/causality.ts"]);
});

Deno.test("the text of the leak experiment has the measured effect, also when the crop does not help", () => {
  const point = (validationLoss: number) => ({ step: 10, trainLoss: 1, validationLoss });
  const textOf = (cropped: number) =>
    leakText({
      corpus: "c",
      parameters: 1,
      steps: 10,
      evaluatedTokens: 5,
      curves: [{ name: "causal", points: [point(Math.log(20))] }, { name: "cropped keys", points: [point(cropped)] }],
    }, { command: "x" });
  assert.match(textOf(Math.log(4)), /divides perplexity by 5\.0/);
  for (const little of [19, 30]) assert.match(textOf(Math.log(little)), /lowers perplexity by less than a tenth/);
});
