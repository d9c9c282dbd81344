/** The WebGPU executor, and a function that opens a device for it. */
import { type Device, openDevice, type OpenOptions } from "../device/mod.ts";
import type { HymbaError } from "../errors.ts";
import { WebgpuExecutor, type WebgpuOptions } from "./executor.ts";
import { matrixUnitOf, requireMatrixUnit } from "./matrix_unit.ts";

export { WebgpuExecutor } from "./executor.ts";

/** An executor and the device that was opened for it. `close` frees both. */
export class OwnedWebgpuExecutor extends WebgpuExecutor {
  constructor(
    readonly opened: Device,
    failure: () => HymbaError | undefined,
    { tensorCores = false, ...options }: WebgpuOptions & { tensorCores?: boolean },
  ) {
    const { device, adapterClass, info } = opened, keepsLoops = info.kind === "swiftshader";
    const matrixUnit = tensorCores ? requireMatrixUnit(opened) : undefined;
    super({ device, adapterClass, keepsLoops, failure, matrixUnit }, options);
  }

  override async close(): Promise<void> {
    await super.close();
    await this.opened.close();
  }
}

/** Opens a device as {@link openDevice} does. The next run or read throws the first error outside of error scopes. */
export async function openWebgpu(
  options: Omit<OpenOptions, "onError"> & WebgpuOptions = {},
): Promise<OwnedWebgpuExecutor> {
  let first: HymbaError | undefined;
  const opened = await openDevice({ ...options, onError: (error) => first ??= error });
  return new OwnedWebgpuExecutor(opened, () => first, options);
}

/** Whether the adapter that `options` choose has tensor cores that the kernels can use. */
export async function hasTensorCores(options: Omit<OpenOptions, "onError"> = {}): Promise<boolean> {
  const opened = await openDevice({ ...options, tensorCores: true });
  await opened.close();
  return matrixUnitOf(opened) !== undefined;
}
