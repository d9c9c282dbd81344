/** The part of an opened device that the executor uses. */
import type { AdapterClass } from "../device/types.ts";
import type { HymbaError } from "../errors.ts";
import type { MatrixUnit } from "./matrix_unit.ts";

export interface Gpu {
  readonly device: GPUDevice;
  readonly adapterClass: AdapterClass;
  /** True if its compiler unrolls no loops. The executor then unrolls short loops in the WGSL text. */
  readonly keepsLoops?: boolean;
  /** The tensor cores that products of operands in f16 use, if they are asked for. */
  readonly matrixUnit?: MatrixUnit;
  /** The loss of the device, or the first error outside of error scopes. */
  failure(): HymbaError | undefined;
}
