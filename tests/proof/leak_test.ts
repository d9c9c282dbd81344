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

/** The source files of a folder, and of those inside it, whose text has a word. */
async function filesWith(word: string, folder: string): Promise<string[]> {
  const root = new URL("../../", import.meta.url), found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, root))) {
    const path = `${folder}/${name}`;
    if (isDirectory) found.push(...await filesWith(word, path));
    else if (/\.tsx?$/.test(name) && (await Deno.readTextFile(new URL(path, root))).includes(word)) found.push(path);
  }
  return found.sort();
}

const inSources = async (word: string) => [...await filesWith(word, "core"), ...await filesWith(word, "cli")].sort();

Deno.test("only the leak experiment and the two checks ask for the leak", async () => {
  const makers = ["causality.ts", "causality_gradient.ts", "leak_experiment.ts"].map((name) => `core/proof/${name}`);
  const passers = ["core/nn/model.ts", "core/train/plans.ts"];
  assert.deepEqual(await inSources("reproduceLeak"), ["cli/commands/causality.ts", ...passers, ...makers].sort());
});

Deno.test("only one place records the op of the leak; the other files with its name implement it", async () => {
  const executors = ["core/cpu", "core/webgpu"].flatMap((executor) =>
    ["cropped_attention.ts", "mod.ts"].map((name) => `${executor}/ops/${name}`)
  );
  const reference = ["cropped_attention.ts", "mod.ts"].map((name) => `core/reference/${name}`);
  const op = ["cropped_attention.ts", "registry.ts"].map((name) => `core/ops/${name}`);
  const kernels = ["cropped_attention.ts", "index.ts"].map((name) => `core/cpu/kernels/${name}`);
  const found = [...await inSources("croppedAttention"), ...await inSources("cropped_attention")];
  const allowed = ["core/nn/mixing.ts", ...executors, ...reference, ...op, ...kernels].sort();
  assert.deepEqual([...new Set(found)].sort(), allowed);
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
