import assert from "node:assert/strict";
import { candidates, openDawn } from "../../core/device/dawn.ts";
import { type Device, openDevice, type OpenOptions, scoped } from "../../core/device/mod.ts";
import { HymbaError, UsageError } from "../../core/errors.ts";
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

Deno.test("openDevice: each adapter of this machine computes, with its own maxima", async () => {
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

Deno.test("openDevice: several at once, with different drivers, do not disturb each other", async () => {
  const names = (await candidates()).map(({ name }) => name);
  const devices = await Promise.all([...names, ...names].map((adapter) => openDevice({ adapter })));
  assert.deepEqual(devices.map(({ info }) => info.name), [...names, ...names]);
  for (const result of await Promise.all(devices.map((device) => doubled(device, values)))) {
    assert.deepEqual(result, expected);
  }
  for (const device of devices) await device.close();
});

Deno.test("openDevice: HYMBA_ADAPTER chooses, the option wins over it, an unknown name lists what is there", async () => {
  const [first] = await candidates();
  const before = Deno.env.get("HYMBA_ADAPTER");
  try {
    Deno.env.set("HYMBA_ADAPTER", "no such thing");
    await assert.rejects(() => openDevice(), (error) => {
      assert.ok(error instanceof UsageError);
      assert.ok(error.message.includes(first!.name), error.message);
      return true;
    });
    await withDevice({ adapter: first!.name }, (device) => {
      assert.equal(device.info.name, first!.name);
      return Promise.resolve();
    });
  } finally {
    before === undefined ? Deno.env.delete("HYMBA_ADAPTER") : Deno.env.set("HYMBA_ADAPTER", before);
  }
});

Deno.test("openDevice: an uncaught GPU error and a loss reach onError and lost; close is silent", async () => {
  let told = Promise.withResolvers<HymbaError>();
  const device = await openDevice({ onError: (error) => told.resolve(error) });
  device.device.createBuffer({ size: 16, usage: badUsage() });
  assert.match((await told.promise).message, /MapRead\|Storage/);
  told = Promise.withResolvers();
  device.device.destroy();
  const lost = await device.lost;
  assert.match(lost.message, /lost.*\n.*destroyed.*\n.*run the same command again/);
  assert.equal(await told.promise, lost);
  await device.close();
  await device.close();

  let noise = false;
  const quiet = await openDevice({ onError: () => noise = true });
  await quiet.close();
  const winner = await Promise.race([quiet.lost, new Promise((resolve) => setTimeout(resolve, 50, "quiet"))]);
  assert.deepEqual([winner, noise], ["quiet", false]);
});

const MODULE = JSON.stringify(new URL("../../core/device/mod.ts", import.meta.url).href);

/** Runs a script that begins with an open device in a process of its own. */
async function inChild(script: string): Promise<{ code: number; errors: string }> {
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const whole = `const { device } = await (await import(${MODULE})).openDevice(); ${script}`;
  const { code, stderr } = await new Deno.Command(Deno.execPath(), { args: ["eval", "--config", config, whole] })
    .output();
  return { code, errors: new TextDecoder().decode(stderr) };
}

Deno.test("openDevice: an uncaught GPU error ends a process that handles nothing, with words and exit code 1", async () => {
  const bad = `device.createBuffer({ size: 16, usage: ${badUsage()} });`;
  const { code, errors } = await inChild(`${bad} await new Promise((resolve) => setTimeout(resolve, 5000));`);
  assert.equal(code, 1);
  assert.match(errors, /a GPU command: refused by WebGPU/);
});

Deno.test("openDevice: a process that opens a device ends by itself, and only its own lines reach the terminal", async () => {
  assert.deepEqual(await inChild(`console.error("mine");`), { code: 0, errors: "mine\n" });
});

Deno.test("scoped: returns the value, names what WebGPU refused, lets other errors through", async () => {
  await withDevice({}, async ({ device }) => {
    assert.equal(await scoped(device, "fine", () => 7), 7);
    const refused = () => device.createBuffer({ size: 16, usage: badUsage() });
    await assert.rejects(() => scoped(device, "slot 3", refused), (error) => {
      assert.ok(error instanceof HymbaError);
      assert.match(error.message, /^slot 3: refused by WebGPU\n.*MapRead/);
      return true;
    });
    await assert.rejects(() => scoped(device, "code", () => Promise.reject(new RangeError("own"))), RangeError);
    assert.equal(await scoped(device, "fine again", () => 8), 8);
  });
});

Deno.test("the object that Dawn's create() returned survives forced collection", async () => {
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
