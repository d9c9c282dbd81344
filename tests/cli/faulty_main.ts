/**
 * The program with a fault. The variable FAULT is one of:
 *
 *     nan PLAN STEP     the token weights of update STEP are NaN in plans with this name ("training mamba", "ORPO mamba")
 *     clock             each time it is read, the clock jumps a day forward or back
 *     shader KERNEL     the kernel does not compile
 *     limits BYTES      the adapter binds at most this many bytes
 *     memory PLAN       the adapter is out of memory when a plan with this name is prepared
 *     invalid PLAN      a command of the plan is invalid in WebGPU
 */
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { at } from "../../core/lists.ts";
import type { Data, Executor, Plan, Program } from "../../core/plan/mod.ts";
import type { Tensor } from "../../core/tensor/mod.ts";
import { ADAMW } from "../../core/train/schedule.ts";
import { WebgpuExecutor } from "../../core/webgpu/mod.ts";

const [, fault, what = ""] = /^(\w+) ?(.*)$/.exec(Deno.env.get("FAULT") ?? "none") ?? [];

/** Writes NaN into one update. The update is chosen by its number, so that a replay has the same fault. */
function poison(program: Program, step: number): Program {
  const write = program.write.bind(program), corrected = Math.fround(1 - ADAMW.beta1 ** step);
  let weight: { tensor: Tensor; data: Data } | undefined;
  program.write = (tensor, data) => {
    if (tensor.name === "weight") weight = { tensor, data };
    if (weight && tensor.name === "schedule" && data[1] === corrected) {
      write(weight.tensor, new Float32Array(weight.data.length).fill(NaN));
    }
    write(tensor, data);
  };
  return program;
}

/** Replaces the executor's `prepare` by `change`. */
function changePlans(
  executor: { prototype: Executor },
  change: (plan: Plan, executor: Executor, prepare: () => Promise<Program>) => Promise<Program>,
): void {
  const { prepare } = executor.prototype;
  executor.prototype.prepare = function (plan) {
    return change(plan, this, () => prepare.call(this, plan));
  };
}

if (fault === "nan") {
  const [, name, step] = /^(.*) (\d+)$/.exec(what) ?? [];
  for (const executor of [CpuExecutor, WebgpuExecutor]) {
    changePlans(
      executor,
      async (plan, _, prepare) => plan.name === name ? poison(await prepare(), Number(step)) : await prepare(),
    );
  }
}

if (fault === "clock") {
  const DAY = 86_400_000, now = Date.now.bind(Date);
  let reads = 0;
  const jumping = () => now() + at([0, DAY, -DAY], ++reads % 3);
  globalThis.Date = class extends Date {
    // deno-lint-ignore constructor-super
    constructor(...given: ConstructorParameters<typeof Date>) {
      if (given.length > 0) super(...given);
      else super(jumping());
    }
    static override now = jumping;
  } as typeof Date;
}

/** The device with some of its members replaced. */
const withMembers = (device: GPUDevice, change: Partial<Record<keyof GPUDevice, unknown>>): GPUDevice =>
  new Proxy(device, {
    get: (target, name) => {
      const found = Object.hasOwn(change, name) ? change[name as keyof GPUDevice] : Reflect.get(target, name, target);
      return typeof found === "function" ? found.bind(target) : found;
    },
  });

/** Replaces the device of every WebGPU executor while it prepares the chosen plans. */
function changeDevice(wanted: (plan: Plan) => boolean, change: (device: GPUDevice) => GPUDevice): void {
  changePlans(WebgpuExecutor, async (plan, executor, prepare) => {
    if (!wanted(plan)) return await prepare();
    const gpu = (executor as WebgpuExecutor).gpu as { device: GPUDevice }, { device } = gpu;
    Object.defineProperty(gpu, "device", { value: change(device), configurable: true });
    return await prepare().finally(() => Object.defineProperty(gpu, "device", { value: device, configurable: true }));
  });
}

const hasName = (plan: Plan) => plan.name === what;

if (fault === "shader") {
  changeDevice(() => true, (device) =>
    withMembers(device, {
      createShaderModule: (descriptor: GPUShaderModuleDescriptor) =>
        device.createShaderModule(
          descriptor.label === what ? { ...descriptor, code: "fn main() { this is not WGSL }" } : descriptor,
        ),
    }));
}
if (fault === "limits") {
  changeDevice(
    () => true,
    (device) => withMembers(device, { limits: { ...limitsOf(device), maxStorageBufferBindingSize: Number(what) } }),
  );
}
if (fault === "memory") {
  changeDevice(
    hasName,
    (device) =>
      withMembers(device, {
        popErrorScope: () => device.popErrorScope().then((error) => error ?? { message: "out of memory" }),
      }),
  );
}
if (fault === "invalid") {
  changeDevice(
    hasName,
    (device) =>
      withMembers(device, { createBuffer: (of: GPUBufferDescriptor) => device.createBuffer({ ...of, usage: 0x81 }) }),
  );
}

/** The limits as a plain object. They are getters of a prototype. */
function limitsOf({ limits }: GPUDevice): Record<string, number> {
  const all: Record<string, number> = {};
  for (const name in limits) all[name] = limits[name as "maxBufferSize"];
  return all;
}

await import("../../cli/main.ts");
