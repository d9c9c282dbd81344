/** The WebAssembly executor: runs a plan on the processor, on threads that share one memory. */
export { CpuExecutor, type CpuOptions } from "./executor.ts";
