/** How every step is carried out on the CPU, by the step's name. */
import type { Lowering } from "../launch.ts";
import { matmul } from "./matmul.ts";
import { rmsnormBackward, rmsnormForward } from "./rmsnorm.ts";

export const LOWERINGS: Readonly<Record<string, Lowering>> = {
  matmul,
  rmsnorm_forward: rmsnormForward,
  rmsnorm_backward: rmsnormBackward,
};
