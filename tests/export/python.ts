/** Debian's Python with PyTorch. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemDisk } from "../../core/disk/mod.ts";
import { exportFiles, type ExportFormat, writeFolder } from "../../core/export/mod.ts";
import type { SmallModel } from "../train/models.ts";
import { madeModel } from "./models.ts";

export const PYTHON = "/usr/bin/python3";

/** Largest distance of a logit. */
const MOST = 1e-4;

/** Whether Debian's PyTorch is there; the reason is printed when it is not. */
export async function hasPytorch(): Promise<boolean> {
  const asked = new Deno.Command(PYTHON, { args: ["-c", "import torch"], stdout: "null", stderr: "piped" }).output();
  const { success } = await asked.catch(() => ({ success: false }));
  if (!success) console.log("skipped: PyTorch is not installed (Debian package python3-torch)");
  return success;
}

/** Exports each model and lets a script compare the logits that PyTorch gives with ours. Skipped without PyTorch. */
export async function compareLogits(
  models: readonly SmallModel[],
  format: ExportFormat,
  script: string,
): Promise<void> {
  if (!await hasPytorch()) return;
  const folder = await Deno.makeTempDir(), folders: string[] = [];
  try {
    for (const [index, model] of models.entries()) {
      const out = join(folder, String(index)), made = await madeModel(model);
      await writeFolder(systemDisk, out, exportFiles(made.model, format));
      await Deno.writeTextFile(`${out}.case.json`, JSON.stringify(made.expected));
      folders.push(out);
    }
    const path = fileURLToPath(new URL(script, import.meta.url));
    const { code, stdout, stderr } = await new Deno.Command(PYTHON, { args: ["-B", path, ...folders] }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    const found = new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
    assert.equal(found.length, models.length);
    for (const [index, { worst, largest }] of found.entries()) {
      assert.ok(worst < MOST, `${models[index]?.name}: ${worst}`);
      assert.ok(largest > 1, `${models[index]?.name}: the logits say something`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
