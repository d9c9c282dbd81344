/** Bytes of a training step of every model, by its plan. */
import { keptIn } from "../../train/plans.ts";
import { type MemoryReport, memoryReport } from "../memory.ts";
import { type Found, type Part, withBackend } from "./part.ts";
import { VARIANTS } from "./variants.ts";

const MEBI = 2 ** 20;

interface Planned extends MemoryReport {
  readonly precision: string;
}

function foundOf(plans: readonly Planned[]): Found {
  const mebi = (bytes: number) => (bytes / MEBI).toFixed(0);
  const rows = plans.map((one) => [
    one.arm,
    one.precision,
    mebi(one.parameters_bytes + one.gradients_bytes + one.moments_bytes),
    mebi(one.saved_bytes),
    mebi(one.transient_bytes),
    mebi(one.total_bytes),
  ]);
  const columns = ["model", "precision", "parameters, gradients, moments", "saved", "transient", "all, MiB"];
  return { result: { plans }, tables: [{ title: "Memory of a training step", columns, rows }] };
}

export const memoryPart: Part = (context) => {
  const { shape: { arms, B, T }, clock, keep } = context, precisions = VARIANTS.filter((one) => !one.tensorCores);
  return withBackend(context, undefined, async ({ executor }) => {
    const found: Planned[] = [];
    for (const { name, precision } of precisions) {
      for (const arm of arms) {
        if (clock.over()) break;
        found.push({ precision: name, ...memoryReport(executor, arm, { B, T, ...keptIn(precision) }) });
        await keep(foundOf(found));
      }
    }
    return precisions.length * arms.length - found.length;
  });
};
