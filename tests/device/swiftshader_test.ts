import assert from "node:assert/strict";
import { join } from "node:path";
import { ensureSwiftShader } from "../../core/device/swiftshader.ts";
import { swiftShaderRuns, thisPlatform } from "../../core/system/mod.ts";
import { withFolders } from "../data/folders.ts";

const SOURCE = new URL("../../core/device/swiftshader.ts", import.meta.url).href;

async function ensureInChild(): Promise<{ folder: string; code: number; log: string }> {
  const script = `const { ensureSwiftShader } = await import(${JSON.stringify(SOURCE)});
    console.log(await ensureSwiftShader({ onProgress: (line) => console.error(line) }));`;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args: ["eval", script] }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  return { code, folder: text(stdout), log: text(stderr) };
}

Deno.test({
  name: "ensureSwiftShader: of several processes only one downloads it, and a damaged file is replaced",
  ignore: !swiftShaderRuns(thisPlatform),
  fn: () =>
    withFolders(async ({ cache }) => {
      const folder = join(cache, "hymba", "swiftshader-153.0.0");
      const children = await Promise.all([ensureInChild(), ensureInChild(), ensureInChild()]);
      for (const { code, folder: got, log } of children) assert.deepEqual([code, got], [0, folder], log);
      assert.equal(children.filter(({ log }) => log.includes("is ready in")).length, 1);

      const driver = join(folder, "libvk_swiftshader.so");
      const file = await Deno.open(driver, { write: true });
      await file.seek(1_000_000, Deno.SeekMode.Start);
      await file.write(new Uint8Array([1, 2, 3, 4]));
      file.close();
      const messages: string[] = [];
      assert.equal(await ensureSwiftShader({ onProgress: (line) => messages.push(line) }), folder);
      assert.ok(messages.some((line) => line.includes("is ready in")), messages.join("\n"));
      assert.deepEqual(await ensureSwiftShader({ onProgress: () => assert.fail("downloaded again") }), folder);
    }),
});
