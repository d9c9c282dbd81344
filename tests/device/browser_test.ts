import assert from "node:assert/strict";

const module = JSON.stringify(new URL("../../core/device/mod.ts", import.meta.url).href);
const dawn = JSON.stringify(new URL("../../core/device/dawn.ts", import.meta.url).href);
const config = new URL("../../deno.json", import.meta.url).pathname;

/** A process that looks like a browser to the module: `navigator.gpu`, and no `Deno`. */
const SCRIPT = `
  const { gpu } = await (await import(${dawn})).openDawn({});
  Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true });
  delete globalThis.Deno;
  const { openDevice } = await import(${module});
  const device = await openDevice();
  const refused = await openDevice({ adapter: "x" }).catch((error) => error.message);
  await device.close();
  console.log(JSON.stringify({ info: device.info, buffers: device.limits.maxStorageBuffersPerShaderStage, refused }));`;

Deno.test("openDevice: without Deno it takes the browser's own engine", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--config", config, SCRIPT],
  })
    .output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  const { info, buffers, refused } = JSON.parse(new TextDecoder().decode(stdout));
  assert.equal(info.backend, "browser");
  assert.ok(info.name.length > 0 && buffers >= 8);
  assert.match(refused, /a browser chooses the adapter by itself/);
});
