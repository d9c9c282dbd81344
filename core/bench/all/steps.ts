/** Training steps of every model. */
import { keptIn } from "../../train/plans.ts";
import { benchStep, type StepReport } from "../step.ts";
import { type Found, type Part, withBackend } from "./part.ts";
import type { Variant } from "./variants.ts";

const MEBI = 2 ** 20;

function foundOf(arms: readonly StepReport[]): Found {
  const rows = arms.map((one) => [
    one.arm,
    one.tokens_per_s.toFixed(0),
    one.step_ms.toFixed(2),
    one.forward_ms.toFixed(2),
    one.backward_ms.toFixed(2),
    one.optimizer_ms.toFixed(2),
    one.host_encode_ms?.toFixed(2) ?? "—",
    one.gflop_per_s.toFixed(0),
    String(one.dispatches),
    one.prepare_s.toFixed(1),
    one.first_step_s.toFixed(1),
    (one.planned_bytes / MEBI).toFixed(0),
  ]);
  const columns = ["model", "tokens/s", "ms a step", "forward", "backward", "optimizer", "host encode", "GFLOP/s"];
  columns.push("dispatches", "prepare s", "first step s", "planned MiB");
  return { result: { arms }, tables: [{ title: "Training steps", columns, rows }] };
}

export const stepsPart = (variant: Variant): Part => (context) => {
  const { shape: { arms, B, T }, runs, clock, keep } = context;
  return withBackend(context, variant, async ({ executor }) => {
    const found: StepReport[] = [];
    for (const arm of arms) {
      if (clock.over()) break;
      found.push((await benchStep(executor, arm, { B, T, runs, ...keptIn(variant.precision) })).report);
      await keep(foundOf(found));
    }
    return arms.length - found.length;
  });
};
