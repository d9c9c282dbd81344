/**
 * `paper` on the least adapter: a device of lavapipe without any feature (no subgroups, no f16, no timestamps) and with the limits that WebGPU
 * guarantees (8 storage buffers, 16 KiB of workgroup memory, 256 invocations, bindings of 128 MiB) accepts every kernel of `hymba`.
 */
import { strict as assert } from "node:assert";
import { openDawn } from "../../core/device/dawn.ts";
import type { AdapterClass } from "../../core/device/types.ts";
import { assertMinima, MINIMA, plainLimits } from "../../core/device/limits.ts";
import { type Launch, lowerContext, overridesOf } from "../../core/webgpu/launch.ts";
import { LOWERINGS } from "../../core/webgpu/ops/mod.ts";
import { entryFor } from "../../core/ops/registry.ts";
import { kernelKey, stages } from "../bench/isa/launches.ts";

const SIZES = [0, 4, 8, 16, 32, 64], CLASSES: readonly AdapterClass[] = ["discrete", "integrated", "apple", "software"];
const plans = (await stages()).filter(({ arm, precision }) => arm === "hymba" && precision !== "f16");

/** The launches of all plans for a class of adapters with subgroups of a size, or without (0). */
function launchesOf(adapterClass: AdapterClass, subgroupSize: number): Launch[] {
  const context = lowerContext(adapterClass, { subgroupSize, f16Products: false });
  return plans.flatMap(({ plan }) => plan.steps.flatMap((step) => entryFor(LOWERINGS, step)(step, context)));
}

const name = (adapterClass: AdapterClass, size: number) => `${adapterClass}, subgroups of ${size}`;

Deno.test("no launch of paper has more than 8 storage buffers or more than 128 MiB in one binding", () => {
  for (const adapterClass of CLASSES) {
    for (const size of SIZES) {
      for (const { kernel, reads, writes, grid } of launchesOf(adapterClass, size)) {
        const who = `${name(adapterClass, size)}: ${kernel.name}`, storages = [...reads, ...writes];
        assert.ok(storages.length <= MINIMA.maxStorageBuffersPerShaderStage, `${who}: ${storages.length} buffers`);
        assert.ok(Math.max(...grid) <= MINIMA.maxComputeWorkgroupsPerDimension, `${who}: grid ${grid}`);
        const bytes = Math.max(...storages.map(({ storage }) => 4 * storage.elements));
        assert.ok(bytes <= MINIMA.maxStorageBufferBindingSize, `${who}: ${bytes} bytes`);
      }
    }
  }
});

Deno.test("kernels use subgroups only where there are some of a fixed size", () => {
  const uses = (adapterClass: AdapterClass, size: number) =>
    launchesOf(adapterClass, size).some(({ kernel }) => kernel.code.includes("enable subgroups;"));
  assert.deepEqual(CLASSES.filter((adapterClass) => uses(adapterClass, 0)), []);
  assert.deepEqual(SIZES.filter((size) => size > 0 && !uses("software", size)), []);
});

Deno.test("a device without features and with the guaranteed limits accepts every kernel of paper", async () => {
  const { adapter } = await openDawn({});
  const device = await adapter.requestDevice();
  try {
    const limits = plainLimits(device.limits);
    assertMinima(limits, "the least adapter");
    assert.deepEqual(
      [limits.maxStorageBuffersPerShaderStage, limits.maxComputeWorkgroupStorageSize],
      [MINIMA.maxStorageBuffersPerShaderStage, MINIMA.maxComputeWorkgroupStorageSize],
    );
    const launches = CLASSES.flatMap((adapterClass) => launchesOf(adapterClass, 0));
    const kernels = new Map(launches.map((launch) => [kernelKey(launch), launch]));
    for (const [key, launch] of kernels) {
      const module = device.createShaderModule({ label: key, code: launch.kernel.code });
      const compute = { module, entryPoint: "main", constants: overridesOf(launch) };
      await device.createComputePipelineAsync({ label: key, layout: "auto", compute });
    }
    assert.ok(kernels.size > 60, `${kernels.size} kernels`);
  } finally {
    device.destroy();
  }
});

Deno.test("an adapter with a smaller limit is refused with the limit, its value, and what to do", async () => {
  const { adapter } = await openDawn({}), limits = plainLimits(adapter.limits);
  for (const limit of Object.keys(MINIMA) as (keyof typeof MINIMA)[]) {
    const less = { ...limits, [limit]: MINIMA[limit] - 1 };
    assert.throws(() => assertMinima(less, "small"), (error: Error & { hint?: string }) => {
      assert.match(error.message, new RegExp(`${limit} >= ${MINIMA[limit]}[^]*${limit} = ${MINIMA[limit] - 1}`));
      return true;
    });
  }
});
