import { type AdapterClass, type Device, openDevice } from "../../core/device/mod.ts";
import { WebgpuExecutor } from "../../core/webgpu/executor.ts";
import { type MatrixUnit, matrixUnitOf } from "../../core/webgpu/matrix_unit.ts";

/** Dawn then redirects matrices that reach beyond an array, as it does where a driver does not check them. */
const NO_ROBUST_ACCESS = "disable-dawn-features=vulkan_use_cooperative_matrix_robust_access";

export interface TensorCores {
  readonly device: Device;
  readonly unit: MatrixUnit;
}

let opened: Promise<TensorCores | undefined> | undefined;

async function open(): Promise<TensorCores | undefined> {
  const device = await openDevice({ tensorCores: true, toggles: [NO_ROBUST_ACCESS] }), unit = matrixUnitOf(device);
  if (unit) return { device, unit };
  await device.close();
  console.log(
    "skipped: this adapter has no tensor cores (tests/tensor_cores/mesa_test.ts runs these tests with a newer Mesa)",
  );
  return undefined;
}

/** The tensor cores of the adapter, opened once for all tests of a process. Undefined, with the reason printed, if it has none. */
export const tensorCores = (): Promise<TensorCores | undefined> => opened ??= open();

/** An executor on them that fills its memory with NaN. Less room or another class makes it choose other tiles and slices of k. */
export function onTensorCores(
  { device: { device, adapterClass }, unit }: TensorCores,
  changed: { workgroupBytes?: number; adapterClass?: AdapterClass } = {},
): WebgpuExecutor {
  const { workgroupBytes = unit.workgroupBytes } = changed;
  return new WebgpuExecutor({
    device,
    adapterClass: changed.adapterClass ?? adapterClass,
    failure: () => undefined,
    matrixUnit: { ...unit, workgroupBytes },
  }, { poison: true });
}
