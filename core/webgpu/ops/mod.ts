/** How every step is carried out on WebGPU, by the step's name. */
import type { Lowering } from "../launch.ts";
import { attentionForward } from "./attention.ts";
import { matmul } from "./matmul.ts";
import { rmsnormBackward, rmsnormForward } from "./rmsnorm.ts";
import { selectiveScanBackward, selectiveScanForward } from "./selective_scan.ts";

export const LOWERINGS: Readonly<Record<string, Lowering>> = {
  matmul,
  attention_forward: attentionForward,
  rmsnorm_forward: rmsnormForward,
  rmsnorm_backward: rmsnormBackward,
  selective_scan_forward: selectiveScanForward,
  selective_scan_backward: selectiveScanBackward,
};
