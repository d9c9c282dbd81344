/**
 * The program on a machine with a fault. FAULT names it:
 *
 *     nan PLAN STEP     the weights of the tokens of update STEP are NaN in plans of that name ("training mamba", "ORPO mamba")
 *     clock             the clock jumps a day forward or back whenever it is looked at
 *     shader KERNEL     the adapter's compiler refuses the kernel
 *     limits BYTES      the adapter binds at most so many bytes
 *     memory PLAN       the adapter has no memory left when a plan of that name is made
 *     invalid PLAN      a command of that plan is not what WebGPU allows
 */
import { CpuExecutor } from "../../core/cpu/mod.ts";
import type { Data, Executor, Plan, Program } from "../../core/plan/mod.ts";
import type { Tensor } from "../../core/tensor/mod.ts";
import { ADAMW } from "../../core/train/schedule.ts";
import { WebgpuExecutor } from "../../core/webgpu/mod.ts";

const [, fault, what = ""] = /^(\w+) ?(.*)$/.exec(Deno.env.get("FAULT") ?? "none")!;

/** Poisons one update as a function of its number, so that a replay meets the same. */
function poison(program: Program, step: number): Program {
  const write = program.write.bind(program), corrected = Math.fround(1 - ADAMW.beta1 ** step);
  let weight: { tensor: Tensor; data: Data } | undefined;
  program.write = (tensor, data) => {
    if (tensor.name === "weight") weight = { tensor, data };
    if (tensor.name === "schedule" && data[1] === corrected) {
      write(
        weight!.tensor,
        Float32Array.from(weight!.data, () => NaN),
      );
    }
    write(tensor, data);
  };
  return program;
}

/** Plans of a name are made by `change`. */
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
  const [, name, step] = /^(.*) (\d+)$/.exec(what)!;
  for (const executor of [CpuExecutor, WebgpuExecutor]) {
    changePlans(
      executor,
      async (plan, _, prepare) => plan.name === name ? poison(await prepare(), Number(step)) : await prepare(),
    );
  }
}

if (fault === "clock") {
  const DAY = 86_400_000, now = Date.now.bind(Date);
  let looks = 0;
  const jumping = () => now() + [0, DAY, -DAY][++looks % 3]!;
  globalThis.Date = class extends Date {
    // deno-lint-ignore constructor-super
    constructor(...given: ConstructorParameters<typeof Date>) {
      if (given.length > 0) super(...given);
      else super(jumping());
    }
    static override now = jumping;
  } as typeof Date;
}

/** A device that is in all but one thing as it was. */
const instead = (device: GPUDevice, change: Partial<Record<keyof GPUDevice, unknown>>): GPUDevice =>
  new Proxy(device, {
    get: (target, name) => {
      const found = Object.hasOwn(change, name) ? change[name as keyof GPUDevice] : Reflect.get(target, name, target);
      return typeof found === "function" ? found.bind(target) : found;
    },
  });

/** Replaces the device of every WebGPU executor for the plans of a name. */
function changeDevice(wanted: (plan: Plan) => boolean, change: (device: GPUDevice) => GPUDevice): void {
  changePlans(WebgpuExecutor, async (plan, executor, prepare) => {
    if (!wanted(plan)) return await prepare();
    const gpu = (executor as WebgpuExecutor).gpu as { device: GPUDevice }, { device } = gpu;
    Object.defineProperty(gpu, "device", { value: change(device), configurable: true });
    return await prepare().finally(() => Object.defineProperty(gpu, "device", { value: device, configurable: true }));
  });
}

const named = (plan: Plan) => plan.name === what;

if (fault === "shader") {
  changeDevice(() => true, (device) =>
    instead(device, {
      createShaderModule: (descriptor: GPUShaderModuleDescriptor) =>
        device.createShaderModule(
          descriptor.label === what ? { ...descriptor, code: "fn main() { this is no WGSL }" } : descriptor,
        ),
    }));
}
if (fault === "limits") {
  changeDevice(
    () => true,
    (device) => instead(device, { limits: { ...limitsOf(device), maxStorageBufferBindingSize: Number(what) } }),
  );
}
if (fault === "memory") {
  changeDevice(
    named,
    (device) =>
      instead(device, {
        popErrorScope: () => device.popErrorScope().then((error) => error ?? { message: "out of memory" }),
      }),
  );
}
if (fault === "invalid") {
  changeDevice(
    named,
    (device) =>
      instead(device, { createBuffer: (of: GPUBufferDescriptor) => device.createBuffer({ ...of, usage: 0x81 }) }),
  );
}

/** Limits are getters of a prototype. */
function limitsOf({ limits }: GPUDevice): Record<string, number> {
  const all: Record<string, number> = {};
  for (const name in limits) all[name] = limits[name as "maxBufferSize"];
  return all;
}

await import("../../cli/main.ts");
