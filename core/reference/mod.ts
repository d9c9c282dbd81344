/** The float64 reference of every step, by the step's name. */
import { matmul } from "./matmul.ts";
import { rmsnormBackward, rmsnormForward } from "./rmsnorm.ts";
import type { Reference } from "./types.ts";

export const REFERENCES: Readonly<Record<string, Reference>> = {
  matmul,
  rmsnorm_forward: rmsnormForward,
  rmsnorm_backward: rmsnormBackward,
};
