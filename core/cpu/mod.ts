export { CpuExecutor, type CpuOptions } from "./executor.ts";
