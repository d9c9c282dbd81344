import assert from "node:assert/strict";

const module = JSON.stringify(new URL("../../core/device/mod.ts", import.meta.url).href);
const dawn = JSON.stringify(new URL("../../core/device/dawn.ts", import.meta.url).href);
const config = new URL("../../deno.json", import.meta.url).pathname;

/** A script that looks like a browser to the module: it has `navigator.gpu`, no `Deno` and no `process`. */
const SCRIPT = `
  const { gpu } = await (await import(${dawn})).openDawn({});
  Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true });
  delete globalThis.Deno;
  Object.defineProperty(globalThis, "process", { value: undefined });
  const { openDevice } = await import(${module});
  const device = await openDevice();
  const error = await openDevice({ adapter: "x" }).catch(({ message }) => message);
  await device.close();
  console.log(JSON.stringify({ info: device.info, buffers: device.limits.maxStorageBuffersPerShaderStage, error }));`;

Deno.test("openDevice: without Deno it uses the browser's own engine", async () => {
  const command = new Deno.Command(Deno.execPath(), { args: ["eval", "--config", config, SCRIPT] });
  const { code, stdout, stderr } = await command.output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  const { info, buffers, error } = JSON.parse(new TextDecoder().decode(stdout));
  assert.equal(info.backend, "browser");
  assert.ok(info.name.length > 0 && buffers >= 8);
  assert.match(error, /in a browser the adapter cannot be chosen/);
});
