/** A table of the memory plans of several models. */
import type { MemoryReport } from "../../core/bench/memory.ts";
import { bytes } from "./progress.ts";
import { table } from "./table.ts";

export function memoryTable(reports: readonly MemoryReport[]): string {
  const head = ["model", "parameters", "gradients", "moments", "saved", "transient", "total", "of the least"];
  const rows = reports.map((report) => [
    report.arm,
    bytes(report.parameters_bytes),
    bytes(report.gradients_bytes),
    bytes(report.moments_bytes),
    bytes(report.saved_bytes),
    bytes(report.transient_bytes),
    bytes(report.total_bytes),
    `${report.ratio.toFixed(3)}x`,
  ]);
  return table([head, ...rows]);
}
