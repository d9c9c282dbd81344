/**
 * Trainings on devices of lavapipe from which features and limits were taken away. Each choice that an adapter can force gives the losses of
 * the processor: no subgroups, no shader-f16, no timestamps, and the least limits of WebGPU. `least_adapter_test.ts` compiles every kernel of
 * `paper` for such devices.
 */
import { strict as assert } from "node:assert";
import { trained } from "../../core/bench/all/losses.ts";
import { benchShape } from "../../core/bench/shapes.ts";
import type { Precision } from "../../core/config/mod.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { openDawn } from "../../core/device/dawn.ts";
import { MINIMA, plainLimits } from "../../core/device/limits.ts";
import type { AdapterClass } from "../../core/device/types.ts";
import { at } from "../../core/lists.ts";
import { arenasOf, slotsOf } from "../../core/plan/mod.ts";
import { BOUNDS } from "../../core/proof/golden/bounds.ts";
import { WebgpuExecutor } from "../../core/webgpu/executor.ts";
import { storagesOf } from "../../core/webgpu/program.ts";
import { stages } from "../bench/isa/launches.ts";
import { thorough } from "../thorough.ts";

const STEPS = 3, FEATURES = ["timestamp-query", "shader-f16", "subgroups"] as const;
type Feature = typeof FEATURES[number];

const { arms, T } = benchShape("smoke", { models: ["hymba"] });

/** Losses of the processor, by precision. */
const expected = new Map<Precision, Promise<readonly number[]>>();
const ofProcessor = (precision: Precision) => {
  const known = expected.get(precision) ?? CpuExecutor.create({ threads: 1 }).then(async (cpu) => {
    const losses = await trained(cpu, at(arms, 0), { T, steps: STEPS, precision });
    await cpu.close();
    return losses;
  });
  expected.set(precision, known);
  return known;
};

/** Works with an executor whose device has only these features, and the least limits unless `limits` says "all". */
async function withDevice<R>(
  { features, limits = "least", adapterClass = "software" }: {
    features: readonly Feature[];
    limits?: "least" | "all";
    adapterClass?: AdapterClass;
  },
  work: (executor: WebgpuExecutor) => Promise<R>,
): Promise<R> {
  const { adapter } = await openDawn({});
  const { minStorageBufferOffsetAlignment: _, maxImmediateSize: __, ...all } = plainLimits(adapter.limits);
  const device = await adapter.requestDevice({
    requiredFeatures: features.filter((name) => adapter.features.has(name)),
    requiredLimits: limits === "all" ? { ...all } : {},
  });
  const executor = new WebgpuExecutor({ device, adapterClass, failure: () => undefined });
  try {
    return await work(executor);
  } finally {
    await executor.close();
    device.destroy();
  }
}

async function requireLosses(executor: WebgpuExecutor, precision: Precision): Promise<void> {
  const losses = await trained(executor, at(arms, 0), { T, steps: STEPS, precision }),
    cpu = await ofProcessor(precision);
  assert.equal(losses.length, STEPS);
  for (const [i, loss] of losses.entries()) {
    const difference = Math.abs(loss / at(cpu, i) - 1);
    assert.ok(
      difference <= BOUNDS.training.loss,
      `step ${i + 1} in ${precision}: ${loss}, the processor has ${at(cpu, i)}`,
    );
  }
}

thorough(
  "without any feature and with the least limits a training has the losses of the processor",
  () =>
    withDevice({ features: [] }, async (executor) => {
      assert.equal(executor.context().subgroupSize, 0);
      assert.equal(executor.f16Products, false);
      await requireLosses(executor, "f32");
    }),
);

for (const missing of FEATURES) {
  thorough(
    `without ${missing} a training has the losses of the processor, in f32 and f16`,
    () =>
      withDevice({ features: FEATURES.filter((name) => name !== missing), limits: "all" }, async (executor) => {
        assert.equal(executor.context().subgroupSize > 0, missing !== "subgroups");
        for (const precision of ["f32", "f16"] as const) await requireLosses(executor, precision);
      }),
  );
}

thorough(
  "a GPU without any feature and with the least limits trains in f32 and f16",
  () =>
    withDevice({ features: [], adapterClass: "integrated" }, async (executor) => {
      for (const precision of ["f32", "bf16", "f16"] as const) await requireLosses(executor, precision);
    }),
);

Deno.test("a GPU with shader-f16 multiplies in it, and one without does not", async () => {
  const products = (features: readonly Feature[]) =>
    withDevice({ features, adapterClass: "discrete" }, (executor) => Promise.resolve(executor.f16Products));
  assert.deepEqual([await products(["shader-f16"]), await products(["subgroups"])], [true, false]);
});

Deno.test("subgroups whose size the driver may choose count as none", async () => {
  const { adapter } = await openDawn({}), device = await adapter.requestDevice();
  const sizeOf = (subgroupMinSize: number, subgroupMaxSize: number, ...features: string[]) => {
    const reported = {
      features: new Set(features),
      adapterInfo: { subgroupMinSize, subgroupMaxSize },
      limits: device.limits,
    };
    const stated = new Proxy(device, { get: (_, key) => Reflect.get(key in reported ? reported : device, key) });
    return new WebgpuExecutor({ device: stated, adapterClass: "discrete", failure: () => undefined }).context()
      .subgroupSize;
  };
  for (const size of [4, 8, 16, 32, 64]) {
    assert.equal(sizeOf(size, size, "subgroups"), size);
    assert.equal(sizeOf(size, size), 0, "the feature is missing");
  }
  assert.deepEqual([sizeOf(32, 64, "subgroups"), sizeOf(4, 128, "subgroups")], [0, 0]);
  device.destroy();
});

Deno.test("paper fits into the least buffers: no slot above 128 MiB, no arena above 256 MiB", async () => {
  await withDevice({ features: [], adapterClass: "discrete" }, (executor) => {
    for (const { arm, stage, precision, plan } of stages()) {
      const who = `${arm}, ${stage}, ${precision}`, { slotBytes } = slotsOf(plan, executor.lower(plan).map(storagesOf));
      assert.ok(
        Math.max(0, ...slotBytes) <= MINIMA.maxStorageBufferBindingSize,
        `${who}: ${Math.max(...slotBytes)} bytes`,
      );
      for (const { name, elements } of arenasOf(plan)) {
        assert.ok(4 * elements <= MINIMA.maxBufferSize, `${who}: ${name} has ${4 * elements} bytes`);
      }
    }
    return Promise.resolve();
  });
});
