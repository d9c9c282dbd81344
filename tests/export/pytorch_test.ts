/** PyTorch runs every architecture from the exported file and gives our logits. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { armsOf, HymbaConfig } from "../../core/config/mod.ts";
import { memoryDisk, systemDisk } from "../../core/disk/mod.ts";
import { exportFiles, writeFolder } from "../../core/export/mod.ts";
import { pytorchName } from "../../core/export/pytorch_names.ts";
import { parameterSpecs } from "../../core/params/specs.ts";
import { furtherModels, SMALL, smallModels } from "../train/models.ts";
import { madeModel } from "./models.ts";

/** Largest distance of a logit. */
const MOST = 1e-4;

const MODELS = [
  ...smallModels(),
  ...armsOf("arms", SMALL, ["samba", "falcon-h1"]).map(({ name, config }) => ({ name, config })),
  ...furtherModels(),
  {
    name: "heads that are wider than usual",
    config: new HymbaConfig({
      ...SMALL,
      layers: "4g",
      headDim: 10,
      valueHeadDim: 6,
      useMetaTokens: true,
      normEps: 1e-3,
      ropeBase: 50,
    }),
  },
];

const PYTHON = "/usr/bin/python3";

/** Whether Debian's PyTorch is there; the reason is printed when it is not. */
async function hasPytorch(): Promise<boolean> {
  const asked = new Deno.Command(PYTHON, { args: ["-c", "import torch"], stdout: "null", stderr: "piped" }).output();
  const { success } = await asked.catch(() => ({ success: false }));
  if (!success) console.log("skipped: PyTorch is not installed (Debian package python3-torch)");
  return success;
}

Deno.test("PyTorch: every architecture gives our logits from the exported folder", async () => {
  if (!await hasPytorch()) return;
  const folder = await Deno.makeTempDir(), folders: string[] = [];
  try {
    for (const [index, model] of MODELS.entries()) {
      const out = join(folder, String(index)), made = await madeModel(model);
      await writeFolder(systemDisk, out, exportFiles(made.model, "pytorch"));
      await Deno.writeTextFile(`${out}.case.json`, JSON.stringify(made.expected));
      folders.push(out);
    }
    const script = fileURLToPath(new URL("check_pytorch.py", import.meta.url));
    const { code, stdout, stderr } = await new Deno.Command(PYTHON, { args: ["-B", script, ...folders] }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    const found = new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
    assert.equal(found.length, MODELS.length);
    for (const [index, { worst, largest }] of found.entries()) {
      assert.ok(worst < MOST, `${MODELS[index]?.name}: ${worst}`);
      assert.ok(largest > 1, `${MODELS[index]?.name}: the logits say something`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

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

Deno.test("the folder of an export is new: files in it are not touched", async () => {
  const disk = memoryDisk(), { model } = await madeModel(smallModels()[1]!), files = exportFiles(model, "pytorch");
  await disk.makeFolder("out");
  assert.deepEqual(await writeFolder(disk, "out", files), Object.keys(files).map((name) => `out/${name}`));
  await assert.rejects(writeFolder(disk, "out", files), /out is not empty[^]*nothing was changed/);
});
