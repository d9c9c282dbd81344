/** The executors that every op test runs on, opened once for all test files of a process. */
import { CpuExecutor } from "../../core/cpu/mod.ts";
import type { Executor } from "../../core/plan/mod.ts";
import { openWebgpu } from "../../core/webgpu/mod.ts";

let opened: Promise<Executor[]> | undefined;

/** All executors except the reference, WebGPU first. They fill their memory with NaN before each run. */
export function executors(): Promise<Executor[]> {
  return opened ??= Promise.all([openWebgpu({ poison: true }), CpuExecutor.create({ poison: true })]);
}
