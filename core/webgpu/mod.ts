/** The WebGPU executor, and a function that opens a device for it. */
import { type Device, openDevice, type OpenOptions } from "../device/mod.ts";
import type { HymbaError } from "../errors.ts";
import { WebgpuExecutor, type WebgpuOptions } from "./executor.ts";

export { WebgpuExecutor } from "./executor.ts";

/** An executor and the device that was opened for it. `close` frees both. */
export class OwnedWebgpuExecutor extends WebgpuExecutor {
  constructor(readonly opened: Device, failure: () => HymbaError | undefined, options: WebgpuOptions) {
    const keepsLoops = opened.info.kind === "swiftshader";
    super({ device: opened.device, adapterClass: opened.adapterClass, keepsLoops, failure }, options);
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
