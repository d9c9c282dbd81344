import assert from "node:assert/strict";
import { candidates, openDawn } from "../../core/device/dawn.ts";
import { type Device, openDevice, type OpenOptions, scoped } from "../../core/device/mod.ts";
import { HymbaError, UsageError } from "../../core/errors.ts";
import { at } from "../../core/lists.ts";
import { doubled } from "./compute.ts";

const collect = (globalThis as { gc?: () => void }).gc;

async function withDevice(options: OpenOptions, work: (device: Device) => Promise<void>): Promise<void> {
  const device = await openDevice(options);
  try {
    await work(device);
  } finally {
    await device.close();
  }
}

const badUsage = () => GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE;
const values = Float32Array.from({ length: 1000 }, (_, i) => i - 500);
const expected = values.map((value) => 2 * value);

Deno.test("openDevice: each adapter of this machine computes, and has its own limits", async () => {
  for (const { name } of await candidates()) {
    await withDevice({ adapter: name }, async (device) => {
      assert.equal(device.info.name, name);
      assert.deepEqual(await doubled(device, values), expected);
      assert.ok(device.limits.maxStorageBufferBindingSize >= 128 * 2 ** 20);
      assert.ok(device.limits.maxStorageBuffersPerShaderStage >= 8);
      assert.equal(device.device.limits.maxBufferSize, device.limits.maxBufferSize);
      JSON.stringify(device.info);
    });
  }
});

Deno.test("openDevice: several devices with different drivers work at the same time", async () => {
  const names = (await candidates()).map(({ name }) => name);
  const devices = await Promise.all([...names, ...names].map((adapter) => openDevice({ adapter })));
  assert.deepEqual(devices.map(({ info }) => info.name), [...names, ...names]);
  for (const result of await Promise.all(devices.map((device) => doubled(device, values)))) {
    assert.deepEqual(result, expected);
  }
  for (const device of devices) await device.close();
});

Deno.test("openDevice: HYMBA_ADAPTER chooses, the option overrides it, an unknown name lists the adapters", async () => {
  const first = at(await candidates(), 0);
  const before = Deno.env.get("HYMBA_ADAPTER");
  try {
    Deno.env.set("HYMBA_ADAPTER", "no such thing");
    await assert.rejects(() => openDevice(), (error) => {
      assert.ok(error instanceof UsageError);
      assert.ok(error.message.includes(first.name), error.message);
      return true;
    });
    await withDevice({ adapter: first.name }, (device) => {
      assert.equal(device.info.name, first.name);
      return Promise.resolve();
    });
  } finally {
    if (before === undefined) Deno.env.delete("HYMBA_ADAPTER");
    else Deno.env.set("HYMBA_ADAPTER", before);
  }
});

Deno.test("openDevice: an uncaught GPU error and a loss reach onError and lost; close reports nothing", async () => {
  let reported = Promise.withResolvers<HymbaError>();
  const device = await openDevice({ onError: (error) => reported.resolve(error) });
  device.device.createBuffer({ size: 16, usage: badUsage() });
  assert.match((await reported.promise).message, /MapRead\|Storage/);
  reported = Promise.withResolvers();
  device.device.destroy();
  const lost = await device.lost;
  assert.match(lost.message, /lost.*\n.*destroyed.*\n.*run the same command again/);
  assert.equal(await reported.promise, lost);
  await device.close();
  await device.close();

  const errors: HymbaError[] = [], closed = await openDevice({ onError: (error) => errors.push(error) });
  await closed.close();
  const winner = await Promise.race([closed.lost, new Promise((resolve) => setTimeout(resolve, 50, "no loss"))]);
  assert.deepEqual([winner, errors], ["no loss", []]);
});

const MODULE = JSON.stringify(new URL("../../core/device/mod.ts", import.meta.url).href);

/** Runs a script in a new process. The script can use the open `device`. */
async function inChild(script: string): Promise<{ code: number; errors: string }> {
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const whole = `const { device } = await (await import(${MODULE})).openDevice(); ${script}`;
  const { code, stderr } = await new Deno.Command(Deno.execPath(), { args: ["eval", "--config", config, whole] })
    .output();
  return { code, errors: new TextDecoder().decode(stderr) };
}

Deno.test("openDevice: an unhandled GPU error ends the process with a message and exit code 1", async () => {
  const bad = `device.createBuffer({ size: 16, usage: ${badUsage()} });`;
  const { code, errors } = await inChild(`${bad} await new Promise((resolve) => setTimeout(resolve, 5000));`);
  assert.equal(code, 1);
  assert.match(errors, /a GPU command: WebGPU reported an error/);
});

Deno.test("openDevice: a process with an open device can end, and prints only its own lines", async () => {
  assert.deepEqual(await inChild(`console.error("mine");`), { code: 0, errors: "mine\n" });
});

Deno.test("scoped: returns the value, reports errors of WebGPU with the label, passes other errors on", async () => {
  await withDevice({}, async ({ device }) => {
    assert.equal(await scoped(device, "fine", () => 7), 7);
    const invalid = () => device.createBuffer({ size: 16, usage: badUsage() });
    await assert.rejects(() => scoped(device, "slot 3", invalid), (error) => {
      assert.ok(error instanceof HymbaError);
      assert.match(error.message, /^slot 3: WebGPU reported an error\n.*MapRead/);
      return true;
    });
    await assert.rejects(() => scoped(device, "code", () => Promise.reject(new RangeError("own"))), RangeError);
    assert.equal(await scoped(device, "fine again", () => 8), 8);
  });
});

Deno.test("Dawn's instance survives forced garbage collections", async () => {
  assert.ok(collect, "run with --v8-flags=--expose-gc");
  const held = new WeakRef((await openDawn({})).gpu);
  await withDevice({}, async (device) => {
    for (let round = 0; round < 40; round++) {
      collect();
      assert.deepEqual(await doubled(device, values), expected);
    }
  });
  collect();
  assert.ok(held.deref(), "Dawn's instance was collected");
});
