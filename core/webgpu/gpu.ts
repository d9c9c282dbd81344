/** An opened device as the executor sees it. */
import type { AdapterClass } from "../device/types.ts";
import type { HymbaError } from "../errors.ts";

/** What the executor needs of an opened device. */
export interface Gpu {
  readonly device: GPUDevice;
  readonly adapterClass: AdapterClass;
  /** Its compiler unrolls no loop: short loops are unrolled in the text that it gets. */
  readonly keepsLoops?: boolean;
  /** Set once the device is lost or has reported an error nobody asked about. */
  failure(): HymbaError | undefined;
}
